import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DeleteObjectsCommand, GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { jitteredBackoffMs } from '../../async/backoff';
import { retry } from '../../async/retry';
import type { LogSubject } from '../../engine/ports/host';
import { BodyCheck } from './body-check';
import { type ListedObject, Listing, unquoted } from './listing';
import {
  AnswerFault,
  type ForeignError,
  isFaulty,
  isUnavailable,
  type ObjectStoreCall,
  ObjectStoreError,
  wrapObjectStoreError,
} from './object-store-error';
import { type S3Account, S3Clients, type S3Connection } from './s3-clients';
import { type ProgressOptions, type Transfer, TransferProgress } from './transfer-progress';

export type { ListedObject } from './listing';

/** Address and credentials of an object store. */
export interface ObjectStoreOptions extends S3Account {
  /** How long calls are retried, once at least, while the store is unavailable. Default: one minute; 0: not at all. */
  readonly retryForMs?: number;
  /** Stops the retries. */
  readonly signal?: AbortSignal;
  /** Tells the progress of reads and writes. */
  readonly progress?: ProgressOptions | undefined;
}

export interface ObjectMetadata extends Omit<ListedObject, 'key'> {
  readonly contentType: string | undefined;
  /** Metadata attached by the writer, by lower-case name. */
  readonly custom: { readonly [name: string]: string };
}

export interface ListOptions {
  /** Lists keys that come after this one in byte order. */
  readonly startAfter?: string;
  /** Keys per request. Default and maximum of most stores: 1,000. */
  readonly pageSize?: number;
  /** Ends the listing: the request under way is aborted, and the listing fails. */
  readonly signal?: AbortSignal;
}

const defaultRetryForMs = 60_000;
const retryDelays = { firstMs: 100, maxMs: 5_000 };
/** Longest delay that a server can request. */
const maxRetryAfterMs = 20_000;
/** Attempts of a call that the server answers with a fault: a proxy may have caused the first. */
const faultyAttempts = 4;
const deleteBatchSize = 1_000;
/** Bytes that are sent at a time where progress is told. */
const sliceBytes = 64 * 1024;
/** Characters that XML cannot contain: keys with them are deleted one by one, not in a list. */
const notInXml = /[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** An object that is written as a stream. */
interface StreamedObject {
  readonly Bucket: string;
  readonly Key: string;
  readonly ContentLength: number;
  readonly ContentType?: string | undefined;
}

/**
 * An S3 service.
 *
 * I1. An object or a listing is returned as a whole or not at all: a body that does not have the size and the etag of the
 *     object, and a listing that is not said to be complete, is an error.
 * I2. A call is retried, with backoff, while the service is unreachable or busy (5xx, 429, a lost connection), and some
 *     times when its answer is faulty. All calls can be repeated. Everything else fails at once.
 *
 * A failure is an ObjectStoreError that names address, bucket and key. The SDK is loaded by the first call.
 */
export class S3ObjectStore {
  private readonly clients: S3Clients;

  /** Throws ConfigError when `addr` is neither `host:port` nor an http(s) URL, or `ca` has no certificate. */
  constructor(private readonly options: ObjectStoreOptions) {
    this.clients = new S3Clients(options);
  }

  /** The service's URL. */
  get address(): string {
    return this.clients.address;
  }

  /** Objects whose keys start with `prefix`, in the order of the store: byte order for most. */
  async *list(bucket: string, prefix = '', options: ListOptions = {}): AsyncGenerator<ListedObject> {
    const listing = new Listing(bucket, prefix);
    while (!listing.isComplete) yield* await this.listPage(bucket, { prefix, listing, options });
  }

  async get(bucket: string, key: string): Promise<Uint8Array> {
    return await this.call({ verb: 'get', bucket, key }, async ({ sdk, client }) => {
      const response = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
      const check = new BodyCheck(bucket);
      const progress = this.progressOf({ is: 'download', bucket, key, bytes: response.ContentLength });
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.Body as Readable) {
        check.add(chunk);
        progress?.add(chunk.length);
        chunks.push(chunk);
      }
      check.assertRead(response);
      return Buffer.concat(chunks);
    });
  }

  /**
   * Downloads an object to a file and creates the directory. The file appears when it is complete. `about` is what the
   * download is for.
   */
  async download(bucket: string, key: string, file: string, about?: LogSubject): Promise<ObjectMetadata> {
    await mkdir(dirname(file), { recursive: true });
    const partial = `${file}.${process.pid}.part`;
    try {
      const metadata = await this.call({ verb: 'download', bucket, key }, async ({ sdk, client }) => {
        const response = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
        const check = new BodyCheck(bucket);
        const progress = this.progressOf({ is: 'download', bucket, key, bytes: response.ContentLength, about });
        await pipeline(response.Body as Readable, tapped(check, progress), createWriteStream(partial));
        check.assertRead(response);
        return metadataOf(response, check.size);
      });
      await rename(partial, file);
      return metadata;
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async put(bucket: string, key: string, body: Uint8Array, contentType?: string): Promise<void> {
    await this.call({ verb: 'put', bucket, key }, async (connection) => {
      const content = { Bucket: bucket, Key: key, ContentLength: body.byteLength, ContentType: contentType };
      if (this.options.progress !== undefined) {
        await this.stream(connection, content, Readable.from(slicesOf(body))); // as it is sent, its progress is seen
        return;
      }
      const check = new BodyCheck(bucket);
      check.add(body);
      const response = await connection.client.send(new connection.sdk.PutObjectCommand({ ...content, Body: body }));
      check.assertWritten(response);
    });
  }

  /** Uploads a file as a stream, in one request: at most 5 GiB on AWS. */
  async upload(bucket: string, key: string, file: string): Promise<void> {
    await this.call({ verb: 'upload', bucket, key }, async (connection) => {
      const { size } = await stat(file);
      await this.stream(connection, { Bucket: bucket, Key: key, ContentLength: size }, createReadStream(file));
    });
  }

  /** Deletes objects, 1,000 per request. Keys that do not exist are ignored. */
  async delete(bucket: string, keys: readonly string[]): Promise<void> {
    const listable = keys.filter((key) => !notInXml.test(key));
    for (let from = 0; from < listable.length; from += deleteBatchSize) {
      await this.deleteBatch(bucket, listable.slice(from, from + deleteBatchSize));
    }
    for (const key of keys.filter((candidate) => notInXml.test(candidate))) {
      await this.call({ verb: 'delete', bucket, key }, async ({ sdk, client }) => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }));
      });
    }
  }

  /** Deletes all objects whose keys start with `prefix`, and returns their number. */
  async deletePrefix(bucket: string, prefix: string): Promise<number> {
    let count = 0;
    let batch: string[] = [];
    const flush = async (): Promise<void> => {
      await this.delete(bucket, batch);
      count += batch.length;
      batch = [];
    };
    for await (const { key } of this.list(bucket, prefix)) {
      batch.push(key);
      if (batch.length === deleteBatchSize) await flush();
    }
    await flush();
    return count;
  }

  /** Names of the account's buckets. */
  async buckets(): Promise<readonly string[]> {
    return await this.call({ verb: 'list', bucket: '*' }, async ({ sdk, client }) => {
      const { Buckets = [] } = await client.send(new sdk.ListBucketsCommand({}));
      return Buckets.flatMap(({ Name }) => Name ?? []);
    });
  }

  async bucketExists(bucket: string): Promise<boolean> {
    try {
      await this.call({ verb: 'look up', bucket }, async ({ sdk, client }) => {
        // Not HeadBucket: without a response body, an unknown user and a missing bucket are the same.
        const page = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
        if (page.IsTruncated === undefined) throw new AnswerFault('it is not a listing');
      });
      return true;
    } catch (error) {
      if (error instanceof ObjectStoreError && error.reason === 'bucket-missing') return false;
      throw error;
    }
  }

  /** Creates the bucket unless it exists. A user who may not list a bucket may write it: the first write says. */
  async ensureBucket(bucket: string): Promise<void> {
    const isThere = await this.bucketExists(bucket).catch((error: unknown) => {
      if (error instanceof ObjectStoreError && (error.cause as Error | undefined)?.name === 'AccessDenied') return true;
      throw error;
    });
    if (isThere) return;
    await this.call({ verb: 'create', bucket }, async ({ sdk, client }) => {
      try {
        await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
      } catch (error) {
        // created by another client in the meantime
        if (!(error instanceof sdk.BucketAlreadyOwnedByYou || error instanceof sdk.BucketAlreadyExists)) throw error;
      }
    });
  }

  /** Closes the connections. The store must not be used afterwards. */
  async close(): Promise<void> {
    this.clients.destroy();
  }

  private async listPage(
    bucket: string,
    { prefix, listing, options }: { readonly prefix: string; readonly listing: Listing; readonly options: ListOptions },
  ): Promise<readonly ListedObject[]> {
    const call = { verb: 'list', bucket, key: prefix === '' ? undefined : prefix, signal: options.signal };
    return await this.call(call, async ({ sdk, client }) => {
      const request = {
        Bucket: bucket,
        Prefix: prefix,
        StartAfter: options.startAfter,
        MaxKeys: options.pageSize,
        ContinuationToken: listing.token,
        EncodingType: 'url' as const,
      };
      const command = new sdk.ListObjectsV2Command(request);
      return listing.add(await client.send(command, { abortSignal: options.signal }));
    });
  }

  /** Writes an object as its content is read. */
  private async stream({ sdk, client }: S3Connection, content: StreamedObject, from: Readable): Promise<void> {
    const { Bucket: bucket, Key: key, ContentLength: bytes } = content;
    const check = new BodyCheck(bucket);
    const body = tapped(check, this.progressOf({ is: 'upload', bucket, key, bytes }));
    const abort = new AbortController();
    try {
      const command = new sdk.PutObjectCommand({ ...content, Body: body });
      const sending = client.send(command, { abortSignal: abort.signal });
      const [response] = await Promise.all([sending, pipeline(from, body)]);
      check.assertWritten(response);
    } finally {
      // whichever failed first, the other one ends
      abort.abort();
      body.destroy();
    }
  }

  private progressOf(transfer: Transfer): TransferProgress | undefined {
    const { progress } = this.options;
    return progress === undefined ? undefined : new TransferProgress(transfer, progress);
  }

  private async deleteBatch(bucket: string, keys: readonly string[]): Promise<void> {
    await this.call({ verb: 'delete', bucket }, async ({ sdk, client }) => {
      const request = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
      const command = new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: request });
      addContentMd5(command);
      const response = await client.send(command);
      const [first] = response.Errors ?? [];
      if (first === undefined) return;
      const call = { address: this.address, verb: 'delete', bucket, key: first.Key };
      const text = `${first.Code}: ${first.Message} (${response.Errors?.length} of ${keys.length} keys not deleted)`;
      throw new ObjectStoreError('refused', call, { text });
    });
  }

  private async call<T>(
    { signal = this.options.signal, ...call }: Omit<ObjectStoreCall, 'address'> & { readonly signal?: AbortSignal },
    attempt: (connection: S3Connection) => Promise<T>,
  ): Promise<T> {
    const { retryForMs: timeoutMs = defaultRetryForMs } = this.options;
    const deadlineMs = performance.now() + timeoutMs;
    let failures = 0;
    let faults = 0;
    // a request without an answer may have taken the whole time
    const hasTime = () => timeoutMs > 0 && (failures === 0 || performance.now() < deadlineMs);
    const once = async () => {
      try {
        return await this.clients.run(call.bucket, attempt);
      } catch (error) {
        throw wrapObjectStoreError(error, { address: this.address, ...call });
      }
    };
    return retry(once, {
      isRetryable: (error) => (isUnavailable(error) && hasTime()) || (isFaulty(error) && ++faults < faultyAttempts),
      delays: (error) => Math.max(jitteredBackoffMs(failures++, retryDelays), retryAfterMs(error)),
      signal,
    });
  }
}

/** Adds the header that servers without the newer checksums require of a request with a list of keys. */
function addContentMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as {
        readonly headers: { [name: string]: string };
        readonly body: string | Uint8Array;
      };
      request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      return next(args);
    },
    { step: 'build', name: 'contentMd5' },
  );
}

/** A stream that passes everything on, and adds it to the check and to the progress. */
function tapped(check: BodyCheck, progress?: TransferProgress): Transform {
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      check.add(chunk);
      progress?.add(chunk.length);
      done(null, chunk);
    },
  });
}

function* slicesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < body.length; from += sliceBytes) yield body.subarray(from, from + sliceBytes);
}

/** The delay that a server has requested; 0 if none. */
function retryAfterMs(error: unknown): number {
  const { $response } = ((error as ObjectStoreError).cause ?? {}) as ForeignError;
  const seconds = Number($response?.headers?.['retry-after']);
  return seconds > 0 ? Math.min(seconds * 1_000, maxRetryAfterMs) : 0;
}

function metadataOf(response: GetObjectCommandOutput, size: number): ObjectMetadata {
  return {
    size,
    lastModifiedMs: response.LastModified?.getTime() ?? 0,
    etag: unquoted(response.ETag),
    contentType: response.ContentType,
    custom: response.Metadata ?? {},
  };
}
