import { AsyncLocalStorage } from 'node:async_hooks';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ConfigError, isTransient, KFlowError } from '../../../../lib/errors';

const heartbeatEveryMs = 1_500;
/** Shorter than the activities' heartbeat timeout, after which another controller may run the activity. */
const leaseMs = 4_000;
/** Roles are replaced one after the other when an installation is updated. */
const permissionGraceMs = 30_000;

/**
 * An activity's right to change the outside world. Heartbeats renew it.
 *
 * I1. A lease expires before Temporal may start the activity on another controller.
 * I2. An expired lease is never renewed: a controller that was frozen must not continue.
 */
export class ActivityLease {
  private static readonly current = new AsyncLocalStorage<ActivityLease>();
  private renewedMs = Date.now();

  /** Throws CancelledFailure when the lease of the running activity has expired. Outside of an activity, does nothing. */
  static assertHeld(): void {
    if (ActivityLease.current.getStore()?.isExpired) {
      throw new CancelledFailure('lease expired: another controller may run this activity');
    }
  }

  /** Returns false when the lease has expired. */
  renew(): boolean {
    if (this.isExpired) return false;
    this.renewedMs = Date.now();
    return true;
  }

  /** Runs work under this lease. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return ActivityLease.current.run(this, work);
  }

  private get isExpired(): boolean {
    return Date.now() - this.renewedMs > leaseMs;
  }
}

type AnyActivity = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * Makes activities heartbeat while they run, so that another controller takes over within seconds when this one is killed,
 * and turns their errors into Temporal failures: errors that last until somebody changes something are not retried.
 */
export function withHeartbeats<Activities extends object>(activities: Activities): Activities {
  const wrapped = Object.entries(activities).map(([name, activity]) => [name, withLease(activity as AnyActivity)]);
  return Object.fromEntries(wrapped) as Activities;
}

function withLease(activity: AnyActivity): AnyActivity {
  return async (...args) => {
    const context = Context.current();
    const lease = new ActivityLease();
    const timer = setInterval(() => {
      if (lease.renew()) context.heartbeat();
    }, heartbeatEveryMs);
    try {
      return await lease.run(() => activity(...args));
    } catch (error) {
      // a canceled wait rejects with the error of its timer
      if (context.cancellationSignal.aborted) throw new CancelledFailure('the activity was canceled');
      throw toFailure(error, Date.now() - context.info.scheduledTimestampMs);
    } finally {
      clearInterval(timer);
    }
  };
}

/**
 * Only configuration errors are final; a server that does not respond may come back, another controller may have the
 * credentials that this one lacks, and a missing permission may be granted in a moment. `sinceMs`: since the first attempt.
 */
function toFailure(error: unknown, sinceMs: number): unknown {
  if (!(error instanceof KFlowError)) return error;
  const isBeingGranted = error.code === 'permission-missing' && sinceMs < permissionGraceMs;
  const nonRetryable = error instanceof ConfigError && !isTransient(error) && !isBeingGranted;
  return ApplicationFailure.create({ message: error.message, type: error.code, nonRetryable, cause: error });
}
