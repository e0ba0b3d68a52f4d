import { parseS3Location } from '../../../lib/plan/s3-location';
import type { Sink, SinkRecord, WriteOutcome } from '../../engine/ports/sink';
import type { ObjectStoreEndpoint, SinkConnector, SinkContext } from '../connector';

/**
 * Writes each record as one JSON object.
 *
 * I1. An object's key identifies its message: the upstream function, the creation time of that function's stream, and the
 *     sequence. A redelivered record overwrites its own object; a new deployment of the flow overwrites none.
 */
class S3Sink implements Sink {
  /** S3 has no request that writes several objects. */
  readonly batchSize = 1;
  readonly concurrentWrites = 32;
  private readonly store: ObjectStoreEndpoint['store'];
  private readonly bucket: string;
  /** The start of the keys of each input. */
  private readonly prefixes: readonly string[];

  constructor({ spec, endpoint, inputsCreated }: SinkContext<ObjectStoreEndpoint>) {
    const { bucket, prefix } = parseS3Location(endpoint.topics);
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    this.store = endpoint.store;
    this.bucket = bucket;
    this.prefixes = spec.inputs.map((input, index) => `${folder}${input.function}-${compact(inputsCreated[index])}-`);
  }

  write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    return Promise.all(records.map((record) => this.put(record)));
  }

  async close(): Promise<void> {}

  private async put(record: SinkRecord): Promise<WriteOutcome> {
    const { origin } = record;
    const key = `${this.prefixes[origin.input]}${String(origin.sequence).padStart(12, '0')}.json`; // I1
    try {
      await this.store.put(this.bucket, key, Buffer.from(`${record.json()}\n`), 'application/json');
      return { is: 'stored' };
    } catch (error) {
      return { is: 'failed', error, isRetryable: true };
    }
  }
}

export const connector: SinkConnector<ObjectStoreEndpoint> = {
  open: async (context) => new S3Sink(context),
};

/** A time as `20261122T194022123Z`. */
function compact(time: Date | undefined): string {
  return (time ?? new Date(0)).toISOString().replace(/[-:.]/g, '');
}
