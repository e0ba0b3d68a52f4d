import type { KV, NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';
import { haveOtherDecimals, schemaOfText, schemaText } from '../../engine/avro-message';
import type { SchemaSource } from '../../engine/ports/host';
import { jetStreamOf } from './access/jetstream-api';
import { retryRequest } from './retry-request';

/**
 * Writer schemas by fingerprint, in a KV bucket. A writer publishes its schema first, so every reader can decode.
 *
 * I1. Fingerprints do not cover the scale of decimals. A schema that differs from the published one in decimals alone is
 *     published for its own flow, whose readers look there first.
 */
export class SchemaRegistry implements SchemaSource {
  private readonly known = new Map<string, Promise<object | string>>();

  private constructor(
    private readonly bucket: KV,
    private readonly flow: string,
  ) {}

  /** `flow` is the namespace and the jobId, joined by a dot. */
  static async open(connection: NatsConnection, bucket: string, flow: string): Promise<SchemaRegistry> {
    return new SchemaRegistry(await retryRequest(() => jetStreamOf(connection).views.kv(bucket)), flow);
  }

  async publish(fingerprint: string, schema: object | string): Promise<void> {
    this.known.set(fingerprint, Promise.resolve(schema));
    await retryRequest(async () => {
      const published = await this.bucket.get(fingerprint);
      if (published === null) await this.bucket.put(fingerprint, schemaText(schema));
      else if (haveOtherDecimals(schemaOfText(published.string()), schema)) {
        await this.bucket.put(this.ownKey(fingerprint), schemaText(schema)); // I1
      }
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

  /** Publishes every known schema again, to a bucket that somebody removed and that exists again. */
  async restore(): Promise<void> {
    for (const [fingerprint, schema] of [...this.known]) await this.publish(fingerprint, await schema);
  }

  private async read(fingerprint: string): Promise<object | string> {
    const entry =
      (await retryRequest(() => this.bucket.get(this.ownKey(fingerprint)))) ??
      (await retryRequest(() => this.bucket.get(fingerprint)));
    if (entry === null) {
      throw new StoreError('store-failed', `the schema bucket has no schema with fingerprint ${fingerprint}`);
    }
    return schemaOfText(entry.string());
  }

  private ownKey(fingerprint: string): string {
    return `${this.flow}.${fingerprint}`;
  }
}
