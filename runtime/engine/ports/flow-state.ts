/**
 * State of a flow that outlives its replicas, stored beside its streams.
 *
 * I1. A writer has ended when it will not write again. A source has ended when each of its parts was read to the end, all
 *     for the same replica count: half of a source is not the whole source after scaling down. A reader has ended when its
 *     inputs are sealed, delivered and acked: records are acked after their outputs are stored, so any replica can detect
 *     the end, whatever the replica counts are or were.
 * I2. The streams of a writer that has ended are sealed: their last sequences are final. A writer has ended in this run
 *     from its first seal on, whatever its replica count becomes.
 * I3. A reader with state has parts like a source: its streams are sealed when every replica's aggregate is stored.
 * I4. Marks and notes belong to a run. A completed run is followed by a new one, in which no writer has ended.
 */
export interface FlowState {
  /** The current run, from 1; a stopped run that is resumed keeps its number. */
  run(): Promise<number>;
  /** Marks a part of a source as read to the end; with the last part, the source has ended. */
  markPartEnded(writer: Writer, part: Part): Promise<void>;
  /** Marks a writer as ended and seals its streams. */
  markEnded(writer: Writer): Promise<void>;
  /** True when the source, or this part of it, has ended in the current run; completes an interrupted seal. */
  hasEnded(writer: Writer, part: Part): Promise<boolean>;
  /** Replicas whose state is noted as not stored, of any replica count. */
  notedStates(functionId: string): Promise<readonly number[]>;
  /** Notes that the replica has state that is not stored. */
  noteState(functionId: string, replica: number): Promise<void>;
  /** Removes the note of the replica. */
  clearState(functionId: string, replica: number): Promise<void>;
  /** Changes with each request to write the bulks that wait. */
  flushRequests(): Promise<number>;
  /** The last sequence of a sealed stream; undefined while the stream is not sealed. */
  sealedAt(stream: string): Promise<number | undefined>;
}

/** A function and the streams that it writes. */
export interface Writer {
  readonly function: string;
  readonly streams: readonly string[];
  /** The streams that it reads; default: none. */
  readonly inputs?: readonly string[];
}

/** The part of a source that one replica reads. */
export interface Part {
  readonly replica: number;
  readonly replicas: number;
}

/** The position of a source's generator in the current run. */
export interface SourcePosition {
  /** Number of records, from the first, that are known to be stored. */
  readonly start: number;
  save(stored: number): void;
}

/** A note that a replica of a source has saved. */
export interface SavedNote {
  readonly name: string;
  readonly value: Uint8Array;
  /** Saved by this replica, while the source had as many replicas as now. */
  readonly isOwn: boolean;
}

/** What a replica of a source notes about the listing that it emits: values of some kilobytes, by name. */
export interface ListingNotes {
  /** The notes of all replicas, in no order. */
  read(): AsyncIterable<SavedNote>;
  /** The value of a note of this replica. */
  load(name: string): Promise<Uint8Array | undefined>;
  /** Resolves when the note of this replica is stored. */
  save(name: string, value: Uint8Array): Promise<void>;
  /** Removes a note of this replica. */
  remove(name: string): Promise<void>;
  /**
   * This replica needs the notes no more that were saved while the source had another number of replicas. They are removed
   * when every replica has said so.
   */
  adopted(): Promise<void>;
}
