/** A replica may hold as many records as it processes in this time. */
const holdMs = 2_000;
/** The throughput is measured over intervals of at least this length. */
const measureMs = 50;

/**
 * How many records a replica may hold: as many as it recently processed in two seconds, and at least `least`. A fast
 * function never runs out of records, and a slow one does not keep them from other replicas.
 *
 * I1. Time in which no record was held does not count: an idle replica keeps its window.
 */
export class PullWindow {
  private finished = 0;
  /** Time since the last measurement in which records were held. */
  private busyMs = 0;
  private heldSinceMs: number | undefined;
  private records: number;

  constructor(private readonly limits: { readonly least: number; readonly start: number; readonly most: number }) {
    this.records = limits.start;
  }

  /** Limit of held records. */
  get size(): number {
    return this.records;
  }

  /** A record was pulled; `nowMs` is of any monotonic clock. */
  onHeld(nowMs: number): void {
    this.heldSinceMs ??= nowMs;
  }

  /** `count` records have ended, and `held` remain. */
  onFinished(count: number, held: number, nowMs: number): void {
    this.finished += count;
    if (this.heldSinceMs !== undefined) this.busyMs += nowMs - this.heldSinceMs;
    this.heldSinceMs = held === 0 ? undefined : nowMs; // I1
    if (this.busyMs >= measureMs) this.measure();
  }

  private measure(): void {
    const throughput = Math.ceil((this.finished * holdMs) / this.busyMs);
    this.records = Math.min(this.limits.most, Math.max(this.limits.least, throughput));
    this.finished = 0;
    this.busyMs = 0;
  }
}
