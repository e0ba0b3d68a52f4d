import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { ConfigError } from '../../../lib/errors';
import { retry } from '../../async/retry';
import { isUnavailable, type ObjectStoreCall, ObjectStoreError, wrapObjectStoreError } from './object-store-error';

/** Where an object store is and who asks. */
export interface ObjectStoreOptions {
  /** `host:port`, which means http, or a URL. */
  readonly addr: string;
  readonly user: string;
  readonly password: string;
  /** How long calls are repeated while the store cannot answer; a minute when left out. */
  readonly retryForMs?: number;
  /** Ends the repeating of calls. */
  readonly signal?: AbortSignal;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Most stores say whole seconds here. */
  readonly lastModifiedMs: number;
  /** Without quotes. */
  readonly etag: string;
}

export interface ObjectMetadata extends Omit<ListedObject, 'key'> {
  readonly contentType: string | undefined;
  /** What the writer attached, by lower-case name. */
  readonly custom: { readonly [name: string]: string };
}

export interface ListOptions {
  /** Lists keys that come after this one in byte order. */
  readonly startAfter?: string;
  /** Keys asked for at once; 1,000 when left out, which is also the most a store gives. */
  readonly pageSize?: number;
}

type Sdk = typeof import('@aws-sdk/client-s3');

const REGION = 'us-east-1';
const MAX_SOCKETS = 64;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;
const RETRY_FOR_MS = 60_000;
const RETRY_DELAYS = { firstMs: 100, maxMs: 5_000 };
const DELETE_BATCH = 1_000;
/** Characters that XML cannot carry as they are: such keys are deleted one by one, not in a list. */
const NOT_IN_XML = /[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/**
 * An S3 service. Every failure is an ObjectStoreError, which names bucket, key and address; while the service cannot
 * be reached or answers 5xx, calls are repeated first. The SDK is loaded by the first call.
 */
export class S3ObjectStore {
  /** The service's URL. */
  readonly address: string;
  private readonly options: ObjectStoreOptions;
  private connection: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  /** Throws ConfigError when `addr` is neither `host:port` nor an http(s) URL. */
  constructor(options: ObjectStoreOptions) {
    this.options = options;
    this.address = parseAddress(options.addr);
  }

  /** The bucket's objects whose keys begin with `prefix`, in the store's order, which is byte order for most. */
  async *list(bucket: string, prefix = '', options: ListOptions = {}): AsyncGenerator<ListedObject> {
    let token: string | undefined;
    do {
      const page = await this.listPage(bucket, { ...options, prefix, token });
      const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key;
      for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
        if (Key === undefined) continue;
        const lastModifiedMs = LastModified?.getTime() ?? 0;
        yield { key: decode(Key), size: Size ?? 0, lastModifiedMs, etag: unquote(ETag) };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async get(bucket: string, key: string): Promise<Uint8Array> {
    return await this.call({ verb: 'get', bucket, key }, async ({ sdk, client }) => {
      const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    });
  }

  /** Writes an object to a file, whose directory is made; the file appears when it is whole. */
  async download(bucket: string, key: string, file: string): Promise<ObjectMetadata> {
    await mkdir(dirname(file), { recursive: true });
    const partial = `${file}.${process.pid}.part`;
    try {
      const metadata = await this.call({ verb: 'download', bucket, key }, async ({ sdk, client }) => {
        const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
        await pipeline(answer.Body as Readable, createWriteStream(partial));
        return metadataOf(answer);
      });
      await rename(partial, file);
      return metadata;
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async put(bucket: string, key: string, body: Uint8Array, contentType?: string): Promise<void> {
    await this.call({ verb: 'put', bucket, key }, async ({ sdk, client }) => {
      const content = { Body: body, ContentLength: body.byteLength, ContentType: contentType };
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, ...content }));
    });
  }

  /** Stores a file's content without holding it in memory. One request: 5 GiB at most on AWS. */
  async upload(bucket: string, key: string, file: string): Promise<void> {
    await this.call({ verb: 'upload', bucket, key }, async ({ sdk, client }) => {
      const content = { Body: createReadStream(file), ContentLength: (await stat(file)).size };
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, ...content }));
    });
  }

  /** Deletes objects, a thousand a request; a key that does not exist is no error. */
  async delete(bucket: string, keys: readonly string[]): Promise<void> {
    const listable = keys.filter((key) => !NOT_IN_XML.test(key));
    for (let from = 0; from < listable.length; from += DELETE_BATCH) {
      await this.deleteBatch(bucket, listable.slice(from, from + DELETE_BATCH));
    }
    for (const key of keys.filter((candidate) => NOT_IN_XML.test(candidate))) {
      await this.call({ verb: 'delete', bucket, key }, async ({ sdk, client }) => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }));
      });
    }
  }

  /** Deletes every object whose key begins with `prefix` and gives their number. */
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
      if (batch.length === DELETE_BATCH) await flush();
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
        // Not HeadBucket: its answer has no body, so an unknown user and a missing bucket look the same.
        await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
      });
      return true;
    } catch (error) {
      if (error instanceof ObjectStoreError && error.reason === 'bucket-missing') return false;
      throw error;
    }
  }

  /** Creates the bucket unless it exists. */
  async ensureBucket(bucket: string): Promise<void> {
    if (await this.bucketExists(bucket)) return;
    await this.call({ verb: 'create', bucket }, async ({ sdk, client }) => {
      try {
        await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
      } catch (error) {
        // Another client was faster.
        if (!(error instanceof sdk.BucketAlreadyOwnedByYou || error instanceof sdk.BucketAlreadyExists)) throw error;
      }
    });
  }

  /** Closes the connections; the store must not be used after. */
  async close(): Promise<void> {
    (await this.connection)?.client.destroy();
  }

  private async listPage(
    bucket: string,
    page: ListOptions & { readonly prefix: string; readonly token: string | undefined },
  ): Promise<ListObjectsV2CommandOutput> {
    const call = { verb: 'list', bucket, key: page.prefix === '' ? undefined : page.prefix };
    return await this.call(call, async ({ sdk, client }) => {
      const request = {
        Bucket: bucket,
        Prefix: page.prefix,
        StartAfter: page.startAfter,
        MaxKeys: page.pageSize,
        ContinuationToken: page.token,
        EncodingType: 'url' as const,
      };
      return await client.send(new sdk.ListObjectsV2Command(request));
    });
  }

  private async deleteBatch(bucket: string, keys: readonly string[]): Promise<void> {
    await this.call({ verb: 'delete', bucket }, async ({ sdk, client }) => {
      const request = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
      const answer = await client.send(new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: request }));
      const [first] = answer.Errors ?? [];
      if (first === undefined) return;
      const call = { address: this.address, verb: 'delete', bucket, key: first.Key };
      const text = `${first.Code}: ${first.Message} (${answer.Errors?.length} of ${keys.length} keys were not deleted)`;
      throw new ObjectStoreError('refused', call, { text });
    });
  }

  private async call<T>(
    call: Omit<ObjectStoreCall, 'address'>,
    attempt: (connection: { readonly sdk: Sdk; readonly client: S3Client }) => Promise<T>,
  ): Promise<T> {
    this.connection ??= this.connect();
    const connection = await this.connection;
    const { retryForMs: timeoutMs = RETRY_FOR_MS, signal } = this.options;
    const wrapped = async () => {
      try {
        return await attempt(connection);
      } catch (error) {
        throw wrapObjectStoreError(error, { address: this.address, ...call });
      }
    };
    return retry(wrapped, { isRetryable: isUnavailable, delays: RETRY_DELAYS, timeoutMs, signal });
  }

  private async connect(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    // The SDK warns once about the version of Node on every start; the package's own engines field decides that.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
    const client = new sdk.S3Client({
      endpoint: this.address,
      region: REGION,
      forcePathStyle: true,
      credentials: { accessKeyId: this.options.user, secretAccessKey: this.options.password },
      // Small S3 services do not know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Repeating is our own: the SDK's changes some errors, and complains of streams on the console.
      retryStrategy: { mode: 'none', retry: (next, args) => next(args) },
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: IDLE_TIMEOUT_MS,
        httpAgent: new HttpAgent(agent),
        httpsAgent: new HttpsAgent(agent),
      },
    });
    return { sdk, client };
  }
}

function parseAddress(addr: string): string {
  const text = /^https?:\/\//.test(addr) ? addr : `http://${addr}`;
  if (!URL.canParse(text)) {
    const message = `S3 address "${addr}": want host:port, as in minio:9000, or a URL beginning with http:// or https://`;
    throw new ConfigError('config-invalid', message, { where: addr });
  }
  return text.replace(/\/+$/, '');
}

/** Undoes `encoding-type=url`, in which a space is a plus sign. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

function unquote(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}

function metadataOf(answer: GetObjectCommandOutput): ObjectMetadata {
  return {
    size: answer.ContentLength ?? 0,
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    etag: unquote(answer.ETag),
    contentType: answer.ContentType,
    custom: answer.Metadata ?? {},
  };
}
