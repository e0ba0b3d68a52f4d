import type { Sink, SinkRecord, WriteOutcome } from '../../engine/ports/sink';
import type { ObjectStoreEndpoint, SinkContext } from '../connector';
import { ObjectKeys } from './object-keys';

/**
 * Writes each record as one JSON object.
 *
 * I1. An object's key identifies its message: the upstream function, the creation time of that function's stream, and the
 *     sequence. A redelivered record overwrites its own object; a new deployment of the flow overwrites none.
 */
export class RecordObjects implements Sink {
  /** S3 has no request that writes several objects. */
  readonly batchSize = 1;
  readonly concurrentWrites = 32;
  private readonly store: ObjectStoreEndpoint['store'];
  private readonly keys: ObjectKeys;

  constructor(context: SinkContext<ObjectStoreEndpoint>) {
    this.keys = new ObjectKeys(context);
    this.store = context.endpoint.store;
  }

  write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    return Promise.all(records.map((record) => this.put(record)));
  }

  async close(): Promise<void> {}

  private async put(record: SinkRecord): Promise<WriteOutcome> {
    const key = this.keys.of(record.origin, 'json'); // I1
    try {
      await this.store.put(this.keys.bucket, key, Buffer.from(`${record.json()}\n`), 'application/json');
      return { is: 'stored' };
    } catch (error) {
      return { is: 'failed', error, isRetryable: true };
    }
  }
}
