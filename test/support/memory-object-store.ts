import { createHash } from 'node:crypto';
import { ObjectStoreError, type ObjectStoreReason } from '../../runtime/adapters/s3/object-store-error';
import type { ListedObject, ListOptions, ObjectStore } from '../../runtime/connectors/connector';

interface StoredObject {
  readonly body: Uint8Array;
  readonly lastModifiedMs: number;
}

/** An object store in memory. It passes the same contract suite as `S3ObjectStore`. */
export class MemoryObjectStore implements ObjectStore {
  private readonly buckets = new Map<string, Map<string, StoredObject>>();
  /** While it is set, every call fails for this reason. */
  failure: ObjectStoreReason | undefined;

  constructor(private readonly now: () => number = Date.now) {}

  async ensureBucket(bucket: string): Promise<void> {
    if (!this.buckets.has(bucket)) this.buckets.set(bucket, new Map());
  }

  async *list(bucket: string, prefix = '', { startAfter }: ListOptions = {}): AsyncIterable<ListedObject> {
    const isListed = (key: string) => startAfter === undefined || compareBytes(key, startAfter) > 0;
    const objects = [...this.objects('list', bucket)].filter(([key]) => key.startsWith(prefix) && isListed(key));
    for (const [key, { body, lastModifiedMs }] of objects.sort(([one], [other]) => compareBytes(one, other))) {
      this.objects('list', bucket);
      const etag = createHash('md5').update(body).digest('hex');
      yield { key, size: body.length, lastModifiedMs, etag };
    }
  }

  async put(bucket: string, key: string, body: Uint8Array): Promise<void> {
    this.objects('put', bucket, key).set(key, { body: Buffer.from(body), lastModifiedMs: this.now() });
  }

  async get(bucket: string, key: string): Promise<Uint8Array> {
    const object = this.objects('get', bucket, key).get(key);
    if (object === undefined) throw errorOf('object-missing', { verb: 'get', bucket, key });
    return object.body;
  }

  async delete(bucket: string, keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects('delete', bucket, key).delete(key);
  }

  private objects(verb: string, bucket: string, key?: string): Map<string, StoredObject> {
    if (this.failure !== undefined) throw errorOf(this.failure, { verb, bucket, key });
    const objects = this.buckets.get(bucket);
    if (objects === undefined) throw errorOf('bucket-missing', { verb, bucket, key });
    return objects;
  }
}

interface Call {
  readonly verb: string;
  readonly bucket: string;
  readonly key?: string;
}

function errorOf(reason: ObjectStoreReason, call: Call): ObjectStoreError {
  return new ObjectStoreError(reason, { address: 'memory', ...call }, { text: reason });
}

function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
