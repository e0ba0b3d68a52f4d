import { type HeldRecord, RecordState } from './held-records';
import type { RecordObserver } from './ports/record-observer';

/**
 * Takes the time that a function works on each record, waiting in its host not counted.
 *
 * I1. `atOnce` records at most are begun and not ended: those have a place, the others wait in the order of hand-over,
 *     and a place that gets free goes to the next. A host that says itself when it begins a record knows better.
 * I2. Each try is told once; one that was given back is not.
 */
export class ProcessingTimes {
  private waiting: readonly HeldRecord[] = [];
  private next = 0;
  private begun = 0;

  constructor(
    private readonly observer: RecordObserver,
    private readonly atOnce: number,
    private readonly nowMs = () => performance.now(),
  ) {}

  /** The records, now running, are handed to the host. */
  handed(records: readonly HeldRecord[]): void {
    this.waiting = [...this.waiting.slice(this.next), ...records];
    this.next = 0;
    this.fillPlaces(this.nowMs());
  }

  /** The host says that it begins with the record. */
  began(record: HeldRecord): void {
    if (record.begunAtMs !== undefined) record.begunAtMs = this.nowMs();
  }

  /** The function has ended with the record; nothing is told of one that never came to it. */
  ended(record: HeldRecord): void {
    if (record.begunAtMs === undefined) return;
    const nowMs = this.nowMs();
    this.observer.processed(nowMs - record.begunAtMs, record.downloadMs);
    this.freePlace(record, nowMs);
  }

  /** The record is held no more; one that had not ended leaves its place. */
  left(record: HeldRecord): void {
    if (record.begunAtMs !== undefined) this.freePlace(record, this.nowMs());
  }

  private freePlace(record: HeldRecord, nowMs: number): void {
    record.begunAtMs = undefined;
    this.begun--;
    this.fillPlaces(nowMs);
  }

  private fillPlaces(nowMs: number): void {
    while (this.begun < this.atOnce && this.next < this.waiting.length) {
      const record = this.waiting[this.next++];
      if (record?.state !== RecordState.Running) continue; // given back while it waited
      record.begunAtMs = nowMs;
      this.begun++;
    }
    if (this.next < this.waiting.length) return;
    this.waiting = []; // payloads are not kept longer than they are held
    this.next = 0;
  }
}
