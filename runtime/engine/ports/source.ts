/** One record that a source has read. */
export interface SourceRecord {
  /** The same each time the source reads the same item: a stream keeps one message of an id. */
  readonly id: string;
  readonly payload: Uint8Array;
  /** Called once, when the record is in the stream. */
  readonly stored?: () => void;
}

/**
 * What a source connector reads.
 *
 * I1. Until `stored` has been called for an item, a source that is opened again reads the item again, with the same id.
 * I2. `records` reads on only when the next slice is requested: that is the back pressure.
 */
export interface Source {
  /** Yields slices of at most 1,000 records until the source has ended. Returns soon after the signal. */
  records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]>;
  /** Resolves when the progress that `stored` reported is kept. */
  close(): Promise<void>;
}
