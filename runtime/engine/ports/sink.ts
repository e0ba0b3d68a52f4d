import type { HostRecord } from './host';

/** One record to write. */
export interface SinkRecord {
  /** The record, decoded with the sink's reader schema. */
  readonly value: unknown;
  /** Identifies the record: the same at each delivery. */
  readonly origin: HostRecord['origin'];
}

/** What happened to one record of a write. A record that failed for good becomes a dead letter without another try. */
export type WriteOutcome =
  | { readonly is: 'stored' }
  | { readonly is: 'failed'; readonly error: unknown; readonly isRetryable: boolean };

/**
 * Where a sink connector writes.
 *
 * I1. `stored` means that the record is durable at its destination: its message is acked.
 * I2. A record is written at least once. The same origin should overwrite, where the destination can do that.
 */
export interface Sink {
  /** Records in one call of `write`, at most. */
  readonly batchSize: number;
  /** Calls of `write` in progress at a time, at most. */
  readonly concurrentWrites: number;
  /** Resolves with the outcome of each record, in their order. If it rejects, all of them have failed and are retried. */
  write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]>;
  /** Closes the sink's own connections. No write is called after it. */
  close(): Promise<void>;
}
