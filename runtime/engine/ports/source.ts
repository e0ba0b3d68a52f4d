import type { Failure } from './host';

/** One record that a source has read. */
export interface SourceRecord {
  /** The same each time the source reads the same item: a stream stores one message for each id. */
  readonly id: string;
  readonly payload: Uint8Array;
  /** Why the record is no output, but a dead letter: it does not fit the schema. Its payload is JSON. */
  readonly misfit?: Failure;
  /** Called once, when the record is stored in the stream, or as a letter. */
  readonly stored?: () => void;
}

/** Records that nothing can produce again. */
export interface Lost {
  /** At least this many. */
  readonly count: number;
  /** As in `117 records`. */
  readonly text: string;
}

/**
 * The origin of a source connector's records.
 *
 * I1. Until `stored` has been called for an item, a reopened source reads the item again, with the same id; an item that
 *     cannot be read again is emitted even after the signal.
 * I2. `records` reads the next slice only when it is requested: that is the back pressure.
 */
export interface Source {
  /** Yields slices of at most 1,000 records until the source ends. After the signal, only those that I1 demands. */
  records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]>;
  /**
   * What would be lost if the replica ended now; undefined when a reopened source reads everything
   * again. A source without this method always does.
   */
  unsaved?(): Lost | undefined;
  /** Resolves when the progress reported by `stored` is saved. */
  close(): Promise<void>;
}
