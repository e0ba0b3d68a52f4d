import { jitteredBackoffMs } from '../../async/backoff';

const retryDelays = { firstMs: 250, maxMs: 30_000 };
/** A destination that takes nothing is in the log this often. */
const logEveryMs = 30_000;

/** The delays of a sink whose destination does not take records now: jittered backoff without end. */
export class WriteRetries {
  private retries = 0;
  private timer: NodeJS.Timeout | undefined;
  private loggedAtMs = Number.NEGATIVE_INFINITY;

  /** `onOver` is called at the end of each delay. */
  constructor(private readonly onOver: () => void) {}

  /** Whether nothing may be written now. */
  get isWaiting(): boolean {
    return this.timer !== undefined;
  }

  /**
   * Begins a delay, unless one is running; the first again if the destination has taken some records. `isNews` tells whether
   * the log should have a line about it.
   */
  wait(hasTakenSome: boolean): { readonly delayMs: number; readonly isNews: boolean } {
    if (hasTakenSome) this.retries = 0;
    const nowMs = performance.now();
    const isNews = nowMs - this.loggedAtMs >= logEveryMs;
    if (isNews) this.loggedAtMs = nowMs;
    const delayMs = Math.round(jitteredBackoffMs(this.retries, retryDelays));
    if (this.timer !== undefined) return { delayMs, isNews };
    this.retries++;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.onOver();
    }, delayMs);
    return { delayMs, isNews };
  }

  /** A whole batch was taken: the next delay is the first again. True if there was a delay since the last call. */
  succeeded(): boolean {
    const hadDelay = this.retries > 0;
    this.retries = 0;
    this.loggedAtMs = Number.NEGATIVE_INFINITY;
    return hadDelay;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
