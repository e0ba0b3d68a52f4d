import type { AvroType } from '../../../lib/topology/avro/avro-type';
import type { HostRecord } from './host';

/** The schema of records as a sink gets them: the sink's own, else the writer's. */
interface SinkSchema {
  readonly fingerprint: string;
  readonly schema: object | string;
  readonly type: AvroType;
  /** A value of the schema as a message: a header of 10 bytes, then Avro. */
  encode(value: unknown): Uint8Array | undefined;
}

/** One record to write. */
export interface SinkRecord {
  /** The record, decoded with the sink's reader schema. */
  readonly value: unknown;
  readonly schema: SinkSchema;
  /** The record as JSON on one line, by the rules of docs/avro.md. */
  json(): string;
  /** Identifies the record: the same at each delivery. */
  readonly origin: HostRecord['origin'];
  /** Absent from a record that is read again. */
  readonly trace?: HostRecord['trace'];
}

/**
 * The outcome of one record of a write. `later`: the destination takes the record when it can, so the record is written
 * again after a delay, without end and without counting as an attempt. A failure that is not retryable makes the record a
 * dead letter at once.
 */
export type WriteOutcome =
  | { readonly is: 'stored' }
  | { readonly is: 'later'; readonly error: unknown }
  | { readonly is: 'failed'; readonly error: unknown; readonly isRetryable: boolean };

/**
 * The destination of a sink connector.
 *
 * I1. `stored` means that the record is durable at the destination: its message is acked.
 * I2. A record is written at least once. A repeated origin overwrites, where the destination supports it; elsewhere the
 *     sink stores the record again or ignores it. Other records stay.
 */
export interface Sink {
  /** Limit of records in one call of `write`; in bulk mode, the size of a bulk takes its place. */
  readonly batchSize: number;
  /** Limit of concurrent calls of `write`. */
  readonly concurrentWrites: number;
  /** Resolves with the outcome of each record, in order. A rejection fails all records, which are retried. */
  write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]>;
  /** Closes the sink's connections. `write` is not called afterwards. */
  close(): Promise<void>;
}
