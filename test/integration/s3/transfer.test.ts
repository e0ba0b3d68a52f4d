import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveBucket, uploadDirectory } from '../../../runtime/adapters/s3/directory-transfer';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { type S3Server, startS3Server } from '../../../runtime/servers/s3-server';
import type { ServerEvent } from '../../../runtime/servers/server-event';
import { serverFiles } from '../../support/server-files';

const root = mkdtempSync(join(tmpdir(), 'kflow-transfer-'));
const events: ServerEvent[] = [];
let server: S3Server;
let store: S3ObjectStore;

beforeAll(async () => {
  const onEvent = (event: ServerEvent) => events.push(event);
  server = await startS3Server({ ...serverFiles(root, 's3'), onEvent });
  store = new S3ObjectStore({ addr: server.endpoint, user: server.user, password: server.password });
}, 600_000);

afterAll(async () => {
  await store?.close();
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('a directory', () => {
  const source = join(root, 'source');

  beforeAll(() => {
    mkdirSync(join(source, 'deep/er'), { recursive: true });
    for (let n = 0; n < 40; n++) writeFileSync(join(source, 'deep/er', `file ${n}`), `content ${n}`);
    writeFileSync(join(source, 'ünï%2F+.txt'), 'odd');
    writeFileSync(join(source, 'empty'), '');
    symlinkSync('deep/er/file 7', join(source, 'linked'));
    symlinkSync('deep', join(source, 'linked-directory'));
    symlinkSync('nowhere', join(source, 'linked-broken'));
  });

  it('is uploaded under its relative paths and saved unchanged', async () => {
    await store.ensureBucket('directory');
    const sent = await uploadDirectory(store, { bucket: 'directory', directory: source }, { concurrency: 4 });
    expect(sent).toMatchObject({
      objects: 43,
      skipped: ['linked-broken: not a file', 'linked-directory: not a file'],
    });
    const target = join(root, 'target');
    const saved = await saveBucket(store, { bucket: 'directory', directory: target });
    expect(saved).toEqual({ objects: 43, bytes: sent.bytes, skipped: [] });
    expect(readdirSync(target).sort()).toEqual(['deep', 'empty', 'linked', 'ünï%2F+.txt'].sort());
    expect(readFileSync(join(target, 'linked'), 'utf8')).toBe('content 7');
    expect(readFileSync(join(target, 'deep/er/file 39'), 'utf8')).toBe('content 39');
  });

  it('that does not exist is an error', async () => {
    await expect(uploadDirectory(store, { bucket: 'directory', directory: join(root, 'none') })).rejects.toThrow(
      'ENOENT',
    );
  });

  it('stops at the first rejected object', async () => {
    await expect(uploadDirectory(store, { bucket: 'no-bucket', directory: source })).rejects.toMatchObject({
      reason: 'bucket-missing',
    });
  });
});

describe('a bucket with keys that are not paths', () => {
  /** A service that lists these keys in URL encoding: such keys exist on AWS, but not on every server. */
  async function listing(keys: readonly string[]): Promise<{ service: Server; lister: S3ObjectStore }> {
    const contents = keys.map((key) => {
      const encoded = encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
      return `<Contents><Key>${encoded}</Key><Size>1</Size></Contents>`;
    });
    const body = `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
    const service = createServer((_, response) => response.setHeader('content-type', 'application/xml').end(body));
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const { port } = service.address() as AddressInfo;
    return { service, lister: new S3ObjectStore({ addr: `127.0.0.1:${port}`, user: 'u', password: 'p' }) };
  }

  it('is not saved, and each such key is named', async () => {
    const bad = ['../up', 'a/../../up', '/etc/passwd', 'a//b', './c', 'nul\0x', 'f', 'f/g', 'f/g/h'];
    const { service, lister } = await listing(['fine', 'fine folder/', ...bad]);
    const target = join(root, 'never');
    const error = await saveBucket(lister, { bucket: 'bad', directory: target }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'store-failed' });
    for (const key of bad) expect((error as Error).message).toContain(key);
    expect((error as Error).message).toContain('"f" is both a file and the folder of "f/g"');
    expect(() => readdirSync(target)).toThrow('ENOENT');
    await lister.close();
    service.close();
  });

  it('lists the keys unchanged', async () => {
    const keys = ['a b', 'a+b', '100%', '%41', 'control\u0001\u001f', 'cr\rlf\n', 'ü/日本', '<&>'];
    const { service, lister } = await listing(keys);
    const listed: string[] = [];
    for await (const { key } of lister.list('any')) listed.push(key);
    expect(listed).toEqual(keys);
    await lister.close();
    service.close();
  });
});

describe('a store that goes away', () => {
  it('is waited for', async () => {
    await store.ensureBucket('waited');
    await store.put('waited', 'before', Buffer.from('1'));
    process.kill(server.pid() ?? 0, 'SIGKILL');
    await store.put('waited', 'after', Buffer.from('2'));
    expect(Buffer.from(await store.get('waited', 'before')).toString()).toBe('1');
    expect(events.map(({ type }) => type)).toContain('ended');
  });

  it('for longer than the timeout fails with its address and the reason', async () => {
    const away = new S3ObjectStore({ addr: '127.0.0.1:1', user: 'u', password: 'p', retryForMs: 300 });
    await expect(away.get('b', 'k/l')).rejects.toMatchObject({
      name: 'StoreError',
      code: 'store-failed',
      reason: 'unavailable',
      message: expect.stringMatching(/^S3 at http:\/\/127\.0\.0\.1:1: get b\/k\/l: cannot connect \(.*ECONNREFUSED/),
    });
    await away.close();
  });

  it('is not waited for after the signal', async () => {
    const abort = new AbortController();
    const away = new S3ObjectStore({ addr: '127.0.0.1:1', user: 'u', password: 'p', signal: abort.signal });
    const failing = expect(away.bucketExists('b')).rejects.toMatchObject({ reason: 'unavailable' });
    abort.abort();
    await failing;
    await away.close();
  });

  it.each([503, 500, 429])('is retried after status %d', async (status) => {
    let asked = 0;
    const service = createServer((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? status : 200).end();
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const { port } = service.address() as AddressInfo;
    const flaky = new S3ObjectStore({ addr: `127.0.0.1:${port}`, user: 'u', password: 'p' });
    await flaky.put('b', 'k', Buffer.from('v'));
    expect(asked).toBe(3);
    await flaky.close();
    service.close();
  });
});
