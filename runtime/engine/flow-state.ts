/**
 * What outlives the replicas of a flow, kept beside its streams.
 *
 * I1. A stream is sealed when every replica of its writer has ended in the current run; its last sequence is final then.
 * I2. What is noted belongs to a run; a completed run is followed by a new one, in which nothing has ended yet.
 */
export interface FlowState {
  /** The current run, from 1; a stopped run that is resumed keeps its number. */
  run(): Promise<number>;
  /** Notes that this replica has ended; the last one to end seals the streams with their last sequences. */
  markEnded(writer: string, replica: number, replicas: number, streams: readonly string[]): Promise<void>;
  /** Whether this replica has ended in the current run; if so, what the end left unsealed is sealed. */
  hasEnded(writer: string, replica: number): Promise<boolean>;
  /** The last sequence of a sealed stream; undefined while its writer is at work. */
  sealedAt(stream: string): Promise<number | undefined>;
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
