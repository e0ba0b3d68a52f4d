import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { HostRecord } from '../ports/host';

type Bulk = NonNullable<FunctionSpec['bulk']>;

/**
 * The records that wait to be written, in order.
 *
 * W1. Without bulk mode, records are due at once. In bulk mode they are due when there are `flushSize` of them or `flushBytes`
 *     bytes, `flushTimerMs` after the first of them came or the last batch was taken, and after `flush`.
 * W2. A batch has at most `batchSize` records, or `flushSize`, and at most `flushBytes` bytes, unless one record has more.
 */
export class WriteQueue {
  private records: HostRecord[] = [];
  private bytes = 0;
  /** The first records, which are due whatever their number. */
  private due = 0;
  private timer: NodeJS.Timeout | undefined;

  /** `onDue` is called when the time makes records due. */
  constructor(
    private readonly batchSize: number,
    private readonly bulk: Bulk | undefined,
    private readonly onDue: () => void,
  ) {}

  /** Whether a batch can be taken. */
  get isDue(): boolean {
    const { bulk, records } = this;
    if (records.length === 0) return false;
    return bulk === undefined || this.due > 0 || records.length >= bulk.flushSize || this.bytes >= bulk.flushBytes;
  }

  add(records: readonly HostRecord[]): void {
    for (const record of records) this.bytes += record.payload.length;
    this.records.push(...records);
    this.watchTime();
  }

  /** Records that were taken wait again, before all others; they are due. */
  putBack(records: readonly HostRecord[]): void {
    for (const record of records) this.bytes += record.payload.length;
    this.records.unshift(...records);
    this.due += records.length;
  }

  /** All records are due. */
  flush(): void {
    this.due = this.records.length;
  }

  take(): readonly HostRecord[] {
    const { bulk, batchSize } = this;
    const { flushSize: size, flushBytes } = bulk ?? { flushSize: batchSize, flushBytes: Number.POSITIVE_INFINITY };
    let count = 0;
    let bytes = 0;
    for (const { payload } of this.records) {
      if (count === size || (count > 0 && bytes + payload.length > flushBytes)) break;
      count++;
      bytes += payload.length;
    }
    this.bytes -= bytes;
    this.due = Math.max(0, this.due - count);
    const taken = this.records.splice(0, count);
    this.stopTimer();
    this.watchTime();
    return taken;
  }

  /** Removes and returns all records. */
  clear(): readonly HostRecord[] {
    this.stopTimer();
    this.bytes = 0;
    this.due = 0;
    return this.records.splice(0);
  }

  private watchTime(): void {
    if (this.bulk === undefined || this.timer !== undefined || this.due === this.records.length) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flush();
      this.onDue();
    }, this.bulk.flushTimerMs);
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
