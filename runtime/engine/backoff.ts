/** Waiting times that double from the first to the longest. Pure but for the count it keeps. */
export class Backoff {
  private count = 0;

  constructor(private readonly limits: { readonly firstMs: number; readonly maxMs: number }) {}

  /** The next waiting time, in ms. */
  next(): number {
    return backoffMs(this.count++, this.limits);
  }

  /** Starts over and gives the first waiting time. */
  first(): number {
    this.reset();
    return this.next();
  }

  /** Starts over: the next waiting time is the first again. */
  reset(): void {
    this.count = 0;
  }
}

/** Waiting time before try number `tries` (0: the first retry), in ms. */
export function backoffMs(tries: number, limits: { readonly firstMs: number; readonly maxMs: number }): number {
  return Math.min(limits.firstMs * 2 ** Math.min(tries, 30), limits.maxMs);
}
