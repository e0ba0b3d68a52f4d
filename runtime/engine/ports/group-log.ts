import type { TraceContext } from '../trace/trace-context';
import type { Delivery } from './delivery';

/** A main output of a record that is acked in a group. */
export interface GroupOutput {
  /** The message id: the record's origin and the index of the output. */
  readonly id: string;
  readonly payload: Uint8Array;
  /** The key of the record, if it has one. */
  readonly key?: string | undefined;
  /** Trace context of its record. */
  readonly trace?: TraceContext;
}

/** Records that a function acks together, with their outputs. */
export interface RecordGroup {
  readonly records: readonly Delivery[];
  readonly outputs: readonly GroupOutput[];
}

/** A group in the log. */
export interface LoggedGroup {
  /** Its outputs that the output stream does not have. */
  missing(): Promise<readonly GroupOutput[]>;
  /** Every output is stored: the log needs them no more. */
  stored(): void;
}

/**
 * The groups of records that a function acks together, from before their first output is stored. What a function returns for a
 * group depends on all of its records, and after a crash they may come in other groups; the log tells whoever gets one of them
 * what was to be stored.
 *
 * I1. A record is in at most one group, whatever replicas write at the same time.
 * I2. The outputs of a group are in the log until all of them are stored, and its records as long as one may be delivered again.
 */
export interface GroupLog {
  /**
   * Writes a group. Undefined when one of its records is in another group: then none of its outputs may be stored. Rejects
   * when the log cannot be reached.
   */
  write(group: RecordGroup): Promise<LoggedGroup | undefined>;
  /** The group of a record, which any replica may have written; the same object until all of its outputs are stored. */
  find(record: Delivery): Promise<LoggedGroup | undefined>;
}
