import { createHash } from 'node:crypto';
import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { isInLocation, parseS3Location, type S3Location } from '../../../lib/plan/s3-location';
import { s3list } from '../../../lib/topology/avro/s3list';
import { pause } from '../../async/pause';
import { AvroSchemaCodec } from '../../engine/avro-message';
import type { ListedObjects } from '../../engine/ports/flow-state';
import type { Source, SourceRecord } from '../../engine/ports/source';
import { ReaderProjection } from '../../engine/reader-projection';
import type { ObjectStoreEndpoint, SourceConnector, SourceContext } from '../connector';

/** Time between two listings in stream mode. */
const pollMs = 5_000;
const batchSize = 256;

interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly lastModifiedMs: number;
  readonly etag: string;
}

type Encode = (object: ListedObject) => Promise<Uint8Array>;

/**
 * Lists the objects of a bucket or folder, each as one `s3list` record.
 *
 * I1. A version of an object is emitted once per run, or once ever with a checkpoint: when its record is in the stream,
 *     the version is noted as listed. Until then, its record has the same id in each listing.
 * I2. Each of several replicas emits the objects whose key hashes to that replica.
 */
class FsSource implements Source {
  private readonly notes = new Set<Promise<void>>();

  constructor(
    private readonly context: SourceContext<ObjectStoreEndpoint>,
    private readonly location: S3Location,
    private readonly listed: ListedObjects,
    private readonly encode: Encode,
  ) {}

  async *records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    while (!signal.aborted) {
      yield* this.listOnce(signal);
      if (this.context.spec.mode === 'batch') return;
      await pause(pollMs, signal);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.notes);
  }

  private async *listOnce(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    let batch: SourceRecord[] = [];
    for await (const object of this.context.endpoint.store.list(this.location.bucket, this.location.prefix)) {
      if (signal.aborted) break;
      if (!this.isMine(object)) continue;
      batch.push(await this.record(object));
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  private isMine(object: ListedObject): boolean {
    if (!isInLocation(this.location, object.key)) return false;
    if (object.size === 0 && object.key.endsWith('/')) return false; // the mark of an empty folder
    const { replica, spec } = this.context;
    if (spec.replicas > 1 && hashOf(object.key).readUInt32BE() % spec.replicas !== replica) return false; // I2
    return !this.listed.has(object.key, versionOf(object));
  }

  private async record(object: ListedObject): Promise<SourceRecord> {
    const { spec, run } = this.context;
    const hash = hashOf(JSON.stringify([this.location.bucket, object.key, versionOf(object)])).toString('base64url');
    return {
      id: `${spec.function}:${spec.checkpoint ? 'ever' : run}:${hash}`,
      payload: await this.encode(object),
      stored: () => this.note(object),
    };
  }

  private note(object: ListedObject): void {
    const noted = this.listed.add(object.key, versionOf(object)).finally(() => this.notes.delete(noted));
    this.notes.add(noted);
  }
}

export const connector: SourceConnector<ObjectStoreEndpoint> = {
  open: async (context) => {
    const { endpoint, spec } = context;
    const location = parseS3Location(endpoint.topics);
    return new FsSource(context, location, await context.listed(spec.checkpoint), encoderOf(spec.schema, location));
  },
};

/** Encodes an object's `s3list` record in the declared schema. */
function encoderOf(schema: FunctionSpec['schema'], { bucket }: S3Location): Encode {
  const listCodec = new AvroSchemaCodec(s3list);
  const declared = schema === undefined ? listCodec : new AvroSchemaCodec(schema);
  const projection = new ReaderProjection(schema, { schemaOf: async () => s3list });
  return async ({ key, lastModifiedMs: lastModifiedUnixMilli }) => {
    const listing = listCodec.encode({ url: `s3a://${bucket}/${key}`, lastModifiedUnixMilli, bucket, key });
    if (listing === undefined)
      throw new ConfigError('record-invalid', `${bucket}/${key}: the object has no s3list record`);
    if (declared.fingerprint === listCodec.fingerprint) return listing;
    const record = await projection.read(listing);
    const payload = declared.encode(record);
    if (payload === undefined)
      throw new ConfigError('schema-incompatible', `the schema does not fit: ${declared.misfit(record)}`);
    return payload;
  };
}

function versionOf(object: ListedObject): string {
  return `${object.etag}:${object.lastModifiedMs}`;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 18);
}
