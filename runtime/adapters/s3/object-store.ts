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

/** Address and credentials of an object store. */
export interface ObjectStoreOptions {
  /** `host:port`, which means http, or a URL. */
  readonly addr: string;
  readonly user: string;
  readonly password: string;
  /** How long calls are retried while the store is unavailable. Default: one minute. */
  readonly retryForMs?: number;
  /** Stops the retries. */
  readonly signal?: AbortSignal;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Most stores report whole seconds. */
  readonly lastModifiedMs: number;
  /** Without quotes. */
  readonly etag: string;
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
}

type Sdk = typeof import('@aws-sdk/client-s3');

const region = 'us-east-1';
const maxSockets = 64;
const connectTimeoutMs = 5_000;
const idleTimeoutMs = 60_000;
const defaultRetryForMs = 60_000;
const retryDelays = { firstMs: 100, maxMs: 5_000 };
const deleteBatchSize = 1_000;
/** Characters that XML cannot contain: keys with them are deleted one by one, not in a list. */
const notInXml = /[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/**
 * An S3 service. Calls are retried while the service is unreachable or responds with 5xx. A failure is an ObjectStoreError
 * that names address, bucket and key. The SDK is loaded by the first call.
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

  /** Objects whose keys start with `prefix`, in the order of the store: byte order for most. */
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
      const response = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await response.Body?.transformToByteArray()) ?? new Uint8Array();
    });
  }

  /** Downloads an object to a file and creates the directory. The file appears when it is complete. */
  async download(bucket: string, key: string, file: string): Promise<ObjectMetadata> {
    await mkdir(dirname(file), { recursive: true });
    const partial = `${file}.${process.pid}.part`;
    try {
      const metadata = await this.call({ verb: 'download', bucket, key }, async ({ sdk, client }) => {
        const response = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
        await pipeline(response.Body as Readable, createWriteStream(partial));
        return metadataOf(response);
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

  /** Uploads a file as a stream, in one request: at most 5 GiB on AWS. */
  async upload(bucket: string, key: string, file: string): Promise<void> {
    await this.call({ verb: 'upload', bucket, key }, async ({ sdk, client }) => {
      const content = { Body: createReadStream(file), ContentLength: (await stat(file)).size };
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, ...content }));
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
        // created by another client in the meantime
        if (!(error instanceof sdk.BucketAlreadyOwnedByYou || error instanceof sdk.BucketAlreadyExists)) throw error;
      }
    });
  }

  /** Closes the connections. The store must not be used afterwards. */
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
      const response = await client.send(new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: request }));
      const [first] = response.Errors ?? [];
      if (first === undefined) return;
      const call = { address: this.address, verb: 'delete', bucket, key: first.Key };
      const text = `${first.Code}: ${first.Message} (${response.Errors?.length} of ${keys.length} keys not deleted)`;
      throw new ObjectStoreError('refused', call, { text });
    });
  }

  private async call<T>(
    call: Omit<ObjectStoreCall, 'address'>,
    attempt: (connection: { readonly sdk: Sdk; readonly client: S3Client }) => Promise<T>,
  ): Promise<T> {
    this.connection ??= this.connect();
    const connection = await this.connection;
    const { retryForMs: timeoutMs = defaultRetryForMs, signal } = this.options;
    const wrapped = async () => {
      try {
        return await attempt(connection);
      } catch (error) {
        throw wrapObjectStoreError(error, { address: this.address, ...call });
      }
    };
    return retry(wrapped, { isRetryable: isUnavailable, delays: retryDelays, timeoutMs, signal });
  }

  private async connect(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    // The SDK warns about old versions of Node; the engines field of this package decides which are supported.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    const agent = { keepAlive: true, maxSockets };
    const client = new sdk.S3Client({
      endpoint: this.address,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId: this.options.user, secretAccessKey: this.options.password },
      // Small S3 services do not support the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // `call` retries: the SDK's retries change some errors and print warnings about streams.
      retryStrategy: { mode: 'none', retry: (next, args) => next(args) },
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        socketTimeout: idleTimeoutMs,
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
    const message = `S3 address "${addr}": must be host:port, as in minio:9000, or a URL that starts with http:// or https://`;
    throw new ConfigError('config-invalid', message, { where: addr });
  }
  return text.replace(/\/+$/, '');
}

/** Decodes a key of `encoding-type=url`, in which a space is a plus sign. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

function unquote(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}

function metadataOf(response: GetObjectCommandOutput): ObjectMetadata {
  return {
    size: response.ContentLength ?? 0,
    lastModifiedMs: response.LastModified?.getTime() ?? 0,
    etag: unquote(response.ETag),
    contentType: response.ContentType,
    custom: response.Metadata ?? {},
  };
}
