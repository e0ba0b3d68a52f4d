import { createHash } from 'node:crypto';
import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { isInLocation, parseS3Location, type S3Location } from '../../../lib/plan/s3-location';
import { s3list } from '../../../lib/topology/function-types/fs-source';
import { pause } from '../../async/pause';
import { AvroSchemaCodec } from '../../engine/avro-message';
import type { ListedObjects } from '../../engine/ports/flow-state';
import type { Source, SourceRecord } from '../../engine/ports/source';
import { ReaderProjection } from '../../engine/reader-projection';
import type { ListedObject, ObjectStoreEndpoint, SourceConnector, SourceContext } from '../connector';

/** Time between two listings in stream mode. */
const pollMs = 5_000;
const batchSize = 256;

type Encode = (object: ListedObject) => Promise<Uint8Array>;

/**
 * Lists the objects of a bucket or folder and emits one `s3list` record per object.
 *
 * I1. A version of an object is emitted once per run, or once ever with a checkpoint: as soon as its record is in the
 *     stream, the version is saved as listed. Until then, each listing emits its record again, with the same id.
 * I2. With several replicas, each one emits the objects whose key hashes to its index.
 * I3. When a version cannot be saved, the source fails: a restart emits its record again.
 */
class FsSource implements Source {
  private readonly saving = new Set<Promise<void>>();
  private saveError: unknown;
  /** Objects of the location in the current listing, of all replicas. */
  private found = 0;

  constructor(
    private readonly context: SourceContext<ObjectStoreEndpoint>,
    private readonly location: S3Location,
    private readonly listed: ListedObjects,
    private readonly encode: Encode,
  ) {}

  async *records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      this.throwIfNotSaved();
      this.found = 0;
      yield* this.listOnce(signal);
      if (isFirst && !signal.aborted) this.reportFound();
      if (this.context.spec.mode === 'batch') return;
      await pause(pollMs, signal);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.saving);
    this.throwIfNotSaved();
  }

  private async *listOnce(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    let batch: SourceRecord[] = [];
    for await (const object of this.objects(signal)) {
      if (!this.isMine(object)) continue;
      batch.push(await this.record(object));
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
      this.throwIfNotSaved();
    }
    if (batch.length > 0) yield batch;
  }

  /** The objects of the location, until the signal. */
  private async *objects(signal: AbortSignal): AsyncIterable<ListedObject> {
    const { bucket, prefix } = this.location;
    try {
      for await (const object of this.context.endpoint.store.list(bucket, prefix, { signal })) {
        if (signal.aborted) return;
        const isFolderMarker = object.size === 0 && object.key.endsWith('/');
        if (isFolderMarker || !isInLocation(this.location, object.key)) continue;
        this.found++;
        yield object;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A batch over no objects is usually a mistake in `topics`. */
  private reportFound(): void {
    const { log, spec, endpoint } = this.context;
    const isBatch = spec.mode === 'batch';
    if (this.found > 0) log('INFO', `found ${this.found} objects at ${endpoint.topics}`);
    else log(isBatch ? 'WARNING' : 'INFO', `no objects found at ${endpoint.topics}${isBatch ? ': 0 records' : ''}`);
  }

  private isMine(object: ListedObject): boolean {
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
      stored: () => this.save(object),
    };
  }

  private save(object: ListedObject): void {
    const saved = this.listed
      .add(object.key, versionOf(object))
      .catch((error: unknown) => {
        this.saveError ??= error;
      })
      .finally(() => this.saving.delete(saved));
    this.saving.add(saved);
  }

  private throwIfNotSaved(): void {
    if (this.saveError !== undefined) throw this.saveError; // I3
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
      throw new ConfigError('record-invalid', `${bucket}/${key}: the object cannot be described as an s3list record`);
    if (declared.fingerprint === listCodec.fingerprint) return listing;
    const { value: record } = await projection.read(listing);
    const payload = declared.encode(record);
    if (payload === undefined)
      throw new ConfigError('schema-incompatible', `schema: does not fit an s3list record: ${declared.misfit(record)}`);
    return payload;
  };
}

function versionOf(object: ListedObject): string {
  return `${object.etag}:${object.lastModifiedMs}`;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 18);
}
