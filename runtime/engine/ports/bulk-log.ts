/** The records that one object of a sink contains. */
export interface BulkDecision {
  /** Position in the log, from 1. */
  readonly number: number;
  /** Index of the input that the records come from. */
  readonly input: number;
  /** Names the object. */
  readonly key: string;
  /** The sequences, in ascending order; each range contains both of its ends. */
  readonly ranges: readonly SequenceRange[];
  /** The epoch in which the object was written last, 0 before the first re-read; absent: not written yet. */
  readonly writtenIn?: number;
}

export type SequenceRange = readonly [first: number, last: number];

/**
 * What a sink decides about its bulks before it writes them. The composition of a bulk depends on what a replica happened to hold;
 * after a crash, the log tells whoever gets its records what was to be written.
 *
 * I1. A record is in at most one decision, whatever replicas decide at the same time.
 * I2. A decision is kept as long as the stream has a record of it.
 */
export interface BulkLog {
  /** The decision about a record, as far as this replica knows. */
  of(origin: { readonly input: number; readonly sequence: number }): BulkDecision | undefined;
  /**
   * Decides about records of one input, in ascending order. Undefined when another replica has decided something since, which
   * is known now. Rejects when the log cannot be reached.
   */
  decide(
    bulk: Pick<BulkDecision, 'input' | 'key'> & { readonly sequences: readonly number[] },
  ): Promise<BulkDecision | undefined>;
  /** Notes that the object is written; resolves when that is stored. */
  written(decision: BulkDecision, epoch: number): Promise<void>;
}
