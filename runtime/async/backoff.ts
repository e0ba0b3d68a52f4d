/** How long to wait between attempts: the delay doubles from `firstMs` up to `maxMs`. */
export interface BackoffRule {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before a retry, in ms, without jitter. `retries` counts the retries already made: 0 before the first one. */
export function backoffMs(retries: number, { firstMs, maxMs }: BackoffRule): number {
  return Math.min(firstMs * 2 ** Math.min(retries, 30), maxMs);
}

/** The same delay with its second half random, so that clients that failed together do not retry together. */
export function jitteredBackoffMs(retries: number, rule: BackoffRule, random: () => number = Math.random): number {
  return backoffMs(retries, rule) * (0.5 + random() / 2);
}

/** The delays of one rule, one after another, for loops that outlive a single call; without jitter. */
export class Backoff {
  private retries = 0;

  constructor(private readonly rule: BackoffRule) {}

  next(): number {
    return backoffMs(this.retries++, this.rule);
  }

  /** Call after a success: the next delay is the first again. */
  reset(): void {
    this.retries = 0;
  }
}
