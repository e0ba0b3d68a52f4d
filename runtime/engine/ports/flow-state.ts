/**
 * What outlives the replicas of a flow, kept beside its streams.
 *
 * I1. A writer has ended when it writes no more. A source, when each of its parts was read to its end, all of them parts
 *     of one and the same replica count: a half that ended is not the whole of a source that was scaled down since. A
 *     reader, when its inputs are sealed, delivered and acked: a record is acked after its outputs are stored, so any
 *     replica may see it, whatever the counts are and were.
 * I2. Once a writer has ended its streams are sealed: their last sequences are final. It has ended in this run from the
 *     first seal on, whatever its replica count becomes.
 * I3. What is noted belongs to a run; a completed run is followed by a new one, in which nothing has ended yet.
 */
export interface FlowState {
  /** The current run, from 1; a stopped run that is resumed keeps its number. */
  run(): Promise<number>;
  /** Notes that a source's part was read to its end; with the last part the source has ended. */
  markPartEnded(writer: Writer, part: Part): Promise<void>;
  /** Notes that a writer has ended, and seals its streams. */
  markEnded(writer: Writer): Promise<void>;
  /** Whether the source, or this part of it, has ended in the current run; if so, what the end left unsealed is sealed. */
  hasEnded(writer: Writer, part: Part): Promise<boolean>;
  /** The last sequence of a sealed stream; undefined while its writer is at work. */
  sealedAt(stream: string): Promise<number | undefined>;
}

/** A function and the streams it writes. */
export interface Writer {
  readonly function: string;
  readonly streams: readonly string[];
}

/** What one replica does of a source's work. */
export interface Part {
  readonly replica: number;
  readonly replicas: number;
}

/** How far a source's generator is, kept in the current run. */
export interface SourcePosition {
  /** Records that are certainly stored: the first ones of the generator. */
  readonly start: number;
  save(stored: number): void;
}

/** Remembers which objects, in which version, a source has emitted. */
export interface ListedObjects {
  has(key: string, version: string): boolean;
  /** Remembers; resolves when it is kept. */
  add(key: string, version: string): Promise<void>;
}

/** How far a consumer is: everything up to `ackFloor` is acked. */
export interface ConsumerProgress {
  readonly ackFloor: number;
  readonly delivered: number;
  readonly ackPending: number;
  readonly pending: number;
}
