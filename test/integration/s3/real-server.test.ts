import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { resolveServer } from '../../../runtime/servers/resolve-server';
import { type RunningServer, runServer } from '../../../runtime/servers/run-server';
import { ownCa } from '../../support/own-ca';

/** A real server in a region of its own, with a certificate of an own CA. */
const directory = mkdtempSync(path.join(tmpdir(), 'kflow-real-s3-'));
const file = (name: string) => path.join(directory, name);
const account = { user: 'test-user', password: 'test-password' };
let server: RunningServer & { readonly port: number };
let stores: S3ObjectStore[];

beforeAll(async () => {
  ownCa(directory);
  mkdirSync(file('buckets/inbox'), { recursive: true });
  writeFileSync(file('buckets/inbox/a.txt'), 'hello');
  const { path: command } = await resolveServer('versitygw');
  const tls = ['--cert', file('server.crt'), '--key', file('server.key')];
  const args = (port: number) => [
    ...['--port', `127.0.0.1:${port}`, '--region', 'eu-central-1', '--quiet', ...tls],
    ...['posix', '--sidecar', file('metadata'), file('buckets')],
  ];
  mkdirSync(file('metadata'));
  const env = { PATH: process.env.PATH, ROOT_ACCESS_KEY: account.user, ROOT_SECRET_KEY: account.password };
  const probe = async (port: number) => {
    const store = new S3ObjectStore({
      ...account,
      addr: `https://127.0.0.1:${port}`,
      ca: file('ca.crt'),
      retryForMs: 0,
    });
    await store.buckets().finally(() => store.close());
  };
  server = await runServer(
    { name: 'versitygw', command, args, env, probe },
    { dataDir: directory, logFile: file('log') },
  );
}, 600_000);

beforeEach(() => {
  stores = [];
});
afterEach(() => Promise.all(stores.map((store) => store.close())));
afterAll(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function open(options: { readonly region?: string; readonly ca?: string } = { ca: file('ca.crt') }): S3ObjectStore {
  const store = new S3ObjectStore({ ...account, addr: `https://localhost:${server.port}`, ...options });
  stores.push(store);
  return store;
}

test('buckets are made, and objects written, listed, read and deleted, without a region', async () => {
  const store = open();
  await store.ensureBucket('results');
  await store.put('results', 'a', Buffer.alloc(3_000_000, 'a'));
  await store.upload('results', 'b', __filename);
  expect((await store.get('results', 'b')).length).toBe(readFileSync(__filename).length);
  const keys: string[] = [];
  for await (const { key } of store.list('results')) keys.push(key);
  expect(keys).toEqual(['a', 'b']);
  expect(await store.deletePrefix('results', '')).toBe(2);
});

test('the object of a file that was not written through the server is read without an etag', async () => {
  expect(Buffer.from(await open().get('inbox', 'a.txt')).toString()).toBe('hello');
  for await (const object of open().list('inbox')) expect(object).toMatchObject({ key: 'a.txt', size: 5 });
});

test('a region is used as it is given, and a wrong one is corrected by its message', async () => {
  const ca = readFileSync(file('ca.crt'), 'utf8');
  expect(await open({ ca, region: 'eu-central-1' }).bucketExists('inbox')).toBe(true);
  await expect(open({ ca, region: 'us-west-2' }).bucketExists('inbox')).rejects.toMatchObject({
    code: 'setting-invalid',
    message: expect.stringContaining('the region of inbox is eu-central-1, not us-west-2'),
  });
});

test('a server whose CA is not known is refused', async () => {
  await expect(open({}).bucketExists('inbox')).rejects.toMatchObject({
    message: expect.stringContaining('the certificate of the server is not trusted'),
  });
});
