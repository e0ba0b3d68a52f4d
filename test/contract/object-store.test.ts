import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { S3ObjectStore } from '../../runtime/adapters/s3/object-store';
import { type S3Server, startS3Server } from '../../runtime/servers/s3-server';
import { serverFiles } from '../support/server-files';
import { describeObjectStore } from './object-store-suite';

/** The S3 behavior that KFlow relies on, tested on the embedded server. */
const directory = mkdtempSync(join(tmpdir(), 'kflow-object-store-'));
let server: S3Server;
let store: S3ObjectStore;

beforeAll(async () => {
  server = await startS3Server(serverFiles(directory, 's3'));
  store = new S3ObjectStore({ addr: server.endpoint, user: server.user, password: server.password });
}, 600_000);

afterAll(async () => {
  await store?.close();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function keysOf(bucket: string, prefix = '', options = {}): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(bucket, prefix, options)) keys.push(key);
  return keys;
}

async function putAll(bucket: string, keys: readonly string[]): Promise<void> {
  await store.ensureBucket(bucket);
  for (let from = 0; from < keys.length; from += 50) {
    await Promise.all(keys.slice(from, from + 50).map((key) => store.put(bucket, key, Buffer.from(key))));
  }
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const byteOrder = (keys: readonly string[]) => [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

describeObjectStore('every object store', () => store);

describe('buckets', () => {
  it('are created once, by the first caller', async () => {
    expect(await store.bucketExists('made-once')).toBe(false);
    await Promise.all([1, 2, 3].map(() => store.ensureBucket('made-once')));
    await store.ensureBucket('made-once');
    expect(await store.bucketExists('made-once')).toBe(true);
  });

  it('that do not exist are named in the error of every call', async () => {
    const missing = {
      code: 'store-failed',
      reason: 'bucket-missing',
      message: expect.stringContaining('no-such-bucket'),
    };
    await expect(store.get('no-such-bucket', 'k')).rejects.toMatchObject(missing);
    await expect(store.put('no-such-bucket', 'k', Buffer.from('v'))).rejects.toMatchObject(missing);
    await expect(keysOf('no-such-bucket')).rejects.toMatchObject(missing);
    await expect(store.delete('no-such-bucket', ['k'])).rejects.toMatchObject(missing);
  });
});

describe('credentials', () => {
  it.each([
    ['a wrong password', () => ({ user: server.user, password: 'wrong' })],
    ['an unknown user', () => ({ user: 'nobody', password: server.password })],
  ])('refuses %s', async (_, credentials) => {
    const stranger = new S3ObjectStore({ addr: server.endpoint, ...credentials() });
    await expect(stranger.get('made-once', 'k')).rejects.toMatchObject({
      reason: 'access-denied',
      message: expect.stringMatching(/^S3 at http:\/\/127\.0\.0\.1:\d+: get made-once\/k: invalid user or password \(/),
    });
    await stranger.close();
  });
});

describe('objects', () => {
  beforeAll(() => store.ensureBucket('objects'));

  it.each([0, 1, 5_000_000, 20_000_000])('of %d bytes are read back unchanged', async (size) => {
    const body = randomBytes(size);
    const before = Date.now();
    await store.put('objects', `sized/${size}`, body, 'application/x-kflow');
    expect(sha(await store.get('objects', `sized/${size}`))).toBe(sha(body));
    const file = join(directory, 'down', `${size}.bin`);
    const metadata = await store.download('objects', `sized/${size}`, file);
    expect(sha(readFileSync(file))).toBe(sha(body));
    expect(metadata).toMatchObject({
      size,
      contentType: 'application/x-kflow',
      etag: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    // S3 has whole seconds
    expect(metadata.lastModifiedMs).toBeGreaterThan(before - 1_000);
    expect(metadata.lastModifiedMs).toBeLessThanOrEqual(Date.now());
  });

  it('uploaded from a file are read back unchanged', async () => {
    await store.upload('objects', 'uploaded', __filename);
    expect(Buffer.from(await store.get('objects', 'uploaded'))).toEqual(readFileSync(__filename));
  });

  it('keep their metadata', async () => {
    const client = rawClient();
    await client.send(
      new PutObjectCommand({ Bucket: 'objects', Key: 'noted', Body: 'v', Metadata: { Origin: 'test' } }),
    );
    client.destroy();
    expect((await store.download('objects', 'noted', join(directory, 'noted'))).custom).toEqual({ origin: 'test' });
  });

  it('that do not exist are reported as missing, and leave no file', async () => {
    await expect(store.get('objects', 'none')).rejects.toMatchObject({
      reason: 'object-missing',
      message: expect.stringContaining('get objects/none: object does not exist'),
    });
    await expect(store.download('objects', 'none', join(directory, 'none'))).rejects.toMatchObject({
      reason: 'object-missing',
    });
    expect(() => readFileSync(join(directory, 'none'))).toThrow('ENOENT');
  });

  it('uploaded in parts are read back as one', async () => {
    const client = rawClient();
    const target = { Bucket: 'objects', Key: 'parts' };
    const parts = [randomBytes(5 * 1_048_576), randomBytes(5 * 1_048_576), randomBytes(7)];
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
    const Parts = await Promise.all(
      parts.map(async (Body, index) => {
        const part = { ...target, UploadId, PartNumber: index + 1, Body };
        return { PartNumber: index + 1, ETag: (await client.send(new UploadPartCommand(part))).ETag };
      }),
    );
    await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
    client.destroy();
    expect(sha(await store.get('objects', 'parts'))).toBe(sha(Buffer.concat(parts)));
  });
});

describe('listing', () => {
  const many = Array.from({ length: 2_500 }, (_, n) => `many/${n % 7}/object ${n}`);
  beforeAll(() => putAll('listed', [...many, 'other/one']));

  it('returns every object of a prefix across pages', async () => {
    expect(await keysOf('listed', 'many/')).toEqual(byteOrder(many));
  });

  it('returns the same with small pages', async () => {
    expect(await keysOf('listed', 'many/', { pageSize: 100 })).toEqual(byteOrder(many));
  });

  it('continues after a key', async () => {
    const ordered = byteOrder(many);
    const after = await keysOf('listed', 'many/', { startAfter: ordered[2_000], pageSize: 100 });
    expect(after).toEqual(ordered.slice(2_001));
  });

  it('deletes everything below a prefix and nothing else', async () => {
    expect(await store.deletePrefix('listed', 'many/')).toBe(many.length);
    expect(await keysOf('listed')).toEqual(['other/one']);
  });
});

describe('odd keys', () => {
  const odd = [
    ...[
      'a b',
      ' leading',
      'trailing ',
      'a+b',
      '100%',
      '%41',
      '%2F',
      'ü/ñ/日本',
      'emoji/😀',
      'nfd-e\u0301',
      'nfc-\u00e9',
    ],
    ...[
      '<&>"\'',
      'q?x=1#y',
      'a=b&c=d',
      "~tilde*()!'",
      'back\\slash',
      '[1]{2}|^`',
      'tab\tx',
      'line\nbreak',
      'cr\rx',
      '.hidden',
    ],
    ...['order/a-b', 'order/a.b', 'order/a/b', 'order/a0', 'order/aa/b', `${'long/'.repeat(40)}key`],
  ];

  it('are listed as written, and can be read and deleted', async () => {
    await putAll('odd', odd);
    expect((await keysOf('odd')).sort()).toEqual([...odd].sort());
    expect(await keysOf('odd', 'order/', { pageSize: 2 })).toEqual(byteOrder(await keysOf('odd', 'order/')));
    for (const key of odd) expect(Buffer.from(await store.get('odd', key)).toString()).toBe(key);
    await store.delete('odd', odd);
    expect(await keysOf('odd')).toEqual([]);
  });

  it('that do not exist are deleted without complaint', async () => {
    await store.delete('odd', ['never', 'was\u0001there']);
  });
});

describe('a folder that is also an object', () => {
  it('is rejected, whichever comes second', async () => {
    await putAll('folders', ['a', 'b/c']);
    const refused = { reason: 'refused', message: expect.stringContaining('folders/') };
    await expect(store.put('folders', 'a/b', Buffer.from('v'))).rejects.toMatchObject(refused);
    await expect(store.put('folders', 'b', Buffer.from('v'))).rejects.toMatchObject(refused);
    expect(await keysOf('folders')).toEqual(['a', 'b/c']);
  });
});

function rawClient(): S3Client {
  return new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: server.user, secretAccessKey: server.password },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
}
