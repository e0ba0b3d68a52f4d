/** How much work a replica may hold in hand: what it gets through in this time. */
const inHandMs = 2_000;
/** The rate is measured over pieces of at least this length. */
const measureMs = 100;

/**
 * How many records a replica may hold, so that a fast function is never short of records and a slow one does not keep them
 * from other replicas: what it has lately got through in two seconds, and at least `least`.
 *
 * I1. Time in which nothing was held does not count: an idle replica keeps the window it had.
 */
export class PullWindow {
  private finished = 0;
  private sinceMs: number | undefined;
  private records: number;

  constructor(private readonly limits: { readonly least: number; readonly start: number; readonly most: number }) {
    this.records = limits.start;
  }

  /** Records that may be held now. */
  get size(): number {
    return this.records;
  }

  /** `count` records have ended, and `held` are left; times are ms of any steady clock. */
  onFinished(count: number, held: number, nowMs: number): void {
    this.finished += count;
    this.measure(nowMs);
    if (held === 0) this.sinceMs = undefined; // I1
  }

  /** Something is held from now on, if nothing was before. */
  onHeld(nowMs: number): void {
    if (this.sinceMs !== undefined) return;
    this.sinceMs = nowMs;
    this.finished = 0;
  }

  private measure(nowMs: number): void {
    if (this.sinceMs === undefined || nowMs - this.sinceMs < measureMs) return;
    const inTime = Math.ceil((this.finished * inHandMs) / (nowMs - this.sinceMs));
    this.records = Math.min(this.limits.most, Math.max(this.limits.least, inTime));
    this.sinceMs = nowMs;
    this.finished = 0;
  }
}
