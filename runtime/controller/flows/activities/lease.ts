import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledFailure } from '@temporalio/activity';

/** Below the heartbeat timeout of the workflow's activities: after that another controller may have the activity. */
const leaseMs = 4_000;

/** An activity's right to change something, for as long as it gives signs of life. */
export class Lease {
  private static readonly present = new AsyncLocalStorage<Lease>();
  private renewedMs = Date.now();

  /** Throws CancelledFailure when another controller may have taken over: one that was frozen must not go on. */
  static assertHeld(): void {
    const lease = Lease.present.getStore();
    if (lease !== undefined && Date.now() - lease.renewedMs > leaseMs) throw new CancelledFailure('it was taken over');
  }

  /** False when it is too late. */
  renew(): boolean {
    const now = Date.now();
    if (now - this.renewedMs > leaseMs) return false;
    this.renewedMs = now;
    return true;
  }

  hold<T>(work: () => Promise<T>): Promise<T> {
    return Lease.present.run(this, work);
  }
}
