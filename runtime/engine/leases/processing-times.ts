import { type HeldRecord, RecordState } from '../held-records';

/** Receives processing times. Called for every record, so an implementation must be cheap. */
export interface RecordObserver {
  /** The function has finished a record, successfully or not. `downloadMs` is the download time of its file. */
  processed(processingMs: number, downloadMs?: number): void;
}

/**
 * Measures how long a function processes each record, without the time that the record waits in the host.
 *
 * I1. At most `concurrency` records have a slot; the others wait in the order of hand-over, and a slot that becomes free
 *     goes to the next. For a host that reports `began`, the time counts from that report.
 * I2. Each attempt is observed once; an attempt that never finished is not observed.
 */
export class ProcessingTimes {
  private waiting: readonly HeldRecord[] = [];
  private next = 0;
  private usedSlots = 0;

  constructor(
    private readonly observer: RecordObserver,
    private readonly concurrency: number,
    private readonly nowMs = () => performance.now(),
  ) {}

  /** The records, now running, were handed to the host. */
  handedOver(records: readonly HeldRecord[]): void {
    this.waiting = [...this.waiting.slice(this.next), ...records];
    this.next = 0;
    this.fillSlots(this.nowMs());
  }

  /** The host reports that it started the record. */
  began(record: HeldRecord): void {
    if (record.startedAtMs !== undefined) record.startedAtMs = this.nowMs();
  }

  /** The function has finished the record. A record without a slot is not observed. */
  ended(record: HeldRecord): void {
    if (record.startedAtMs === undefined) return;
    const nowMs = this.nowMs();
    this.observer.processed(nowMs - record.startedAtMs, record.downloadMs);
    this.freeSlot(record, nowMs);
  }

  /** The record is no longer held; frees its slot if it never finished. */
  removed(record: HeldRecord): void {
    if (record.startedAtMs !== undefined) this.freeSlot(record, this.nowMs());
  }

  private freeSlot(record: HeldRecord, nowMs: number): void {
    record.startedAtMs = undefined;
    this.usedSlots--;
    this.fillSlots(nowMs);
  }

  private fillSlots(nowMs: number): void {
    while (this.usedSlots < this.concurrency && this.next < this.waiting.length) {
      const record = this.waiting[this.next++];
      if (record?.state !== RecordState.Running) continue; // nak'd while it waited
      record.startedAtMs = nowMs;
      this.usedSlots++;
    }
    if (this.next < this.waiting.length) return;
    this.waiting = []; // keep no payload longer than its record is held
    this.next = 0;
  }
}
