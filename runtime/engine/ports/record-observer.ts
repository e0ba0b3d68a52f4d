/** Hears how long records take. It is called for every record, so it does little. */
export interface RecordObserver {
  /** The function has ended with a record, well or not; `downloadMs` is what its file took before, when it has one. */
  processed(processingMs: number, downloadMs?: number): void;
}
