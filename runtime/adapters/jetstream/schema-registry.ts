import type { KV, NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';
import { schemaOfText, schemaText } from '../../engine/avro-message';
import type { SchemaSource } from '../../engine/ports/host';
import { retryRequest } from './retry-request';

/** Writer schemas by fingerprint, in a KV bucket. A writer publishes its schema first, so every reader can decode. */
export class SchemaRegistry implements SchemaSource {
  private readonly known = new Map<string, Promise<object | string>>();

  private constructor(private readonly bucket: KV) {}

  static async open(connection: NatsConnection, bucket: string): Promise<SchemaRegistry> {
    return new SchemaRegistry(await retryRequest(() => connection.jetstream().views.kv(bucket)));
  }

  async publish(fingerprint: string, schema: object | string): Promise<void> {
    this.known.set(fingerprint, Promise.resolve(schema));
    await retryRequest(async () => {
      if ((await this.bucket.get(fingerprint)) === null) await this.bucket.put(fingerprint, schemaText(schema));
    });
  }

  /** Throws StoreError when no schema with this fingerprint was published. */
  schemaOf(fingerprint: string): Promise<object | string> {
    const known = this.known.get(fingerprint);
    if (known !== undefined) return known;
    const read = this.read(fingerprint);
    this.known.set(fingerprint, read);
    read.catch(() => this.known.delete(fingerprint));
    return read;
  }

  private async read(fingerprint: string): Promise<object | string> {
    const entry = await retryRequest(() => this.bucket.get(fingerprint));
    if (entry === null) {
      throw new StoreError('store-failed', `the schema bucket has no schema with fingerprint ${fingerprint}`);
    }
    return schemaOfText(entry.string());
  }
}
