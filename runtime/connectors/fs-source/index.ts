import { createHash } from 'node:crypto';
import { ConfigError } from '../../../lib/errors';
import { isInLocation, parseS3Location, type S3Location } from '../../../lib/plan/s3-location';
import { s3list } from '../../../lib/topology/avro/s3list';
import type { S3ObjectStore } from '../../adapters/s3/object-store';
import { pause } from '../../async/pause';
import { AvroSchemaCodec } from '../../engine/avro-message';
import type { ListedObjects } from '../../engine/ports/flow-state';
import { ReaderProjection } from '../../engine/reader-projection';
import type { Source, SourceRecord } from '../../engine/source-loop';
import type { ConnectorContext, SourceConnector } from '../connector';

/** Time between two listings in stream mode. */
const pollMs = 5_000;
const batchSize = 256;

interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly lastModifiedMs: number;
  readonly etag: string;
}

/**
 * Lists the objects of a bucket or folder, each as a record `s3list`.
 *
 * I1. An object version is emitted once in a run, and with a checkpoint once ever: it is noted as listed when its record
 *     is in the stream, and until then its id is the same at each listing.
 * I2. Of several replicas, each emits the objects whose key hashes to it.
 */
class FsSource implements Source {
  private readonly notes = new Set<Promise<void>>();

  constructor(
    private readonly context: ConnectorContext,
    private readonly store: S3ObjectStore,
    private readonly location: S3Location,
    private readonly listed: ListedObjects,
    private readonly encode: (object: ListedObject) => Promise<Uint8Array>,
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
    for await (const object of this.store.list(this.location.bucket, this.location.prefix)) {
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
    if (object.size === 0 && object.key.endsWith('/')) return false; // what consoles make to show a folder
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

export const createSource: SourceConnector['createSource'] = async (context) => {
  const { endpoint, schema, checkpoint } = context.spec;
  if (endpoint === undefined)
    throw new ConfigError('config-invalid', `${context.spec.function}: the spec has no endpoint`);
  const location = parseS3Location(endpoint.topics);
  const listCodec = new AvroSchemaCodec(s3list);
  const declared = schema === undefined ? listCodec : new AvroSchemaCodec(schema);
  const projection = new ReaderProjection(schema, { schemaOf: async () => s3list });
  const encode = async (object: ListedObject): Promise<Uint8Array> => {
    const { bucket } = location;
    const { key, lastModifiedMs: lastModifiedUnixMilli } = object;
    const listing = listCodec.encode({ url: `s3a://${bucket}/${key}`, lastModifiedUnixMilli, bucket, key });
    if (listing === undefined)
      throw new ConfigError('record-invalid', `${bucket}/${key}: cannot be told as an s3list record`);
    if (declared.fingerprint === listCodec.fingerprint) return listing;
    const record = await projection.read(listing);
    const payload = declared.encode(record);
    if (payload === undefined)
      throw new ConfigError('schema-incompatible', `the schema does not fit: ${declared.misfit(record)}`);
    return payload;
  };
  return new FsSource(context, context.objectStore(endpoint), location, await context.listed(checkpoint), encode);
};

function versionOf(object: ListedObject): string {
  return `${object.etag}:${object.lastModifiedMs}`;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 18);
}
