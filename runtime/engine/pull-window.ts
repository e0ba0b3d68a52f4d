/** How much work a replica may hold in hand: what it gets through in this time. */
const inHandMs = 2_000;
/** The rate is measured over pieces of at least this length. */
const measureMs = 50;

/**
 * How many records a replica may hold, so that a fast function is never short of records and a slow one does not keep them
 * from other replicas: what it has lately got through in two seconds, and at least `least`.
 *
 * I1. Time in which nothing was held does not count: an idle replica keeps the window it had.
 */
export class PullWindow {
  private finished = 0;
  /** Time with something held since the last measurement, up to the last moment of idleness. */
  private busyMs = 0;
  private heldSinceMs: number | undefined;
  private records: number;

  constructor(private readonly limits: { readonly least: number; readonly start: number; readonly most: number }) {
    this.records = limits.start;
  }

  /** Records that may be held now. */
  get size(): number {
    return this.records;
  }

  /** Something is held from now on, if nothing was before; times are ms of any steady clock. */
  onHeld(nowMs: number): void {
    this.heldSinceMs ??= nowMs;
  }

  /** `count` records have ended, and `held` are left. */
  onFinished(count: number, held: number, nowMs: number): void {
    this.finished += count;
    if (this.heldSinceMs !== undefined) this.busyMs += nowMs - this.heldSinceMs;
    this.heldSinceMs = held === 0 ? undefined : nowMs; // I1
    if (this.busyMs >= measureMs) this.measure();
  }

  private measure(): void {
    const inTime = Math.ceil((this.finished * inHandMs) / this.busyMs);
    this.records = Math.min(this.limits.most, Math.max(this.limits.least, inTime));
    this.finished = 0;
    this.busyMs = 0;
  }
}
