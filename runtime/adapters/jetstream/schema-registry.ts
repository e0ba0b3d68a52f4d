import type { JetStreamManager, KV, NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';
import { AvroSchemaCodec, haveOtherDecimals, schemaOfText, schemaText } from '../../engine/avro-message';
import type { SchemaSource } from '../../engine/ports/host';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { readKey } from './read-run';
import { retryRequest } from './retry-request';

/** The bucket in which earlier versions kept the schemas of all flows. */
const sharedBucket = 'kflow_schemas';

/** The flow whose schemas to publish and to read. */
export interface SchemaOwner {
  readonly namespace: string;
  readonly jobId: string;
  readonly stateBucket: string;
}

/**
 * The writer schemas of a flow by fingerprint, in its state bucket under `schema.<fingerprint>`. A writer publishes its
 * schema first, so every reader can decode; schemas of earlier revisions stay.
 *
 * I1. Fingerprints do not cover the scale of decimals: a schema that differs from the published one in decimals alone
 *     replaces it.
 * I2. A schema that this flow has not published itself has the fingerprint that is asked for.
 */
export class SchemaRegistry implements SchemaSource {
  private readonly known = new Map<string, Promise<object | string>>();

  private constructor(
    private readonly manager: JetStreamManager,
    private readonly bucket: KV,
    private readonly owner: SchemaOwner,
  ) {}

  /** The bucket must exist. */
  static async open(connection: NatsConnection, owner: SchemaOwner): Promise<SchemaRegistry> {
    // with bindOnly, reads go to the leader, which has what was published a moment ago
    const bucket = await jetStreamOf(connection).views.kv(owner.stateBucket, { bindOnly: true });
    return new SchemaRegistry(await managerOf(connection), bucket, owner);
  }

  async publish(fingerprint: string, schema: object | string): Promise<void> {
    this.known.set(fingerprint, Promise.resolve(schema));
    await retryRequest(async () => {
      const published = await this.bucket.get(keyOf(fingerprint));
      const isSame = published !== null && !haveOtherDecimals(schemaOfText(published.string()), schema); // I1
      if (!isSame) await this.bucket.put(keyOf(fingerprint), schemaText(schema));
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
    const entry = await retryRequest(() => this.bucket.get(keyOf(fingerprint)));
    if (entry !== null) return schemaOfText(entry.string());
    const older = await this.readShared(fingerprint);
    if (older !== undefined) return older;
    const where = this.owner.stateBucket;
    throw new StoreError('store-failed', `the bucket ${where} has no schema with the fingerprint ${fingerprint}`, {
      where,
    });
  }

  /** The schema of a record that an earlier version wrote. */
  private async readShared(fingerprint: string): Promise<object | string | undefined> {
    const { namespace, jobId } = this.owner;
    for (const key of [`${namespace}.${jobId}.${fingerprint}`, fingerprint]) {
      const text = await retryRequest(() => readKey(this.manager, sharedBucket, key));
      const schema = text === undefined ? undefined : schemaOfText(text);
      if (schema !== undefined && new AvroSchemaCodec(schema).fingerprint === fingerprint) return schema; // I2
    }
    return undefined;
  }
}

function keyOf(fingerprint: string): string {
  return `schema.${fingerprint}`;
}
