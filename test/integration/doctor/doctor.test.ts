import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { claimStore } from '../../../runtime/adapters/jetstream/flow-store/claim-store';
import { JetStreamFlowStore } from '../../../runtime/adapters/jetstream/flow-store/jetstream-flow-store';
import { claimTaskQueue } from '../../../runtime/adapters/temporal/claim-task-queue';
import { lookAtTemporal } from '../../../runtime/adapters/temporal/connect-temporal';
import type { Finding } from '../../../runtime/cli/commands/doctor/finding';
import { ensureKeyFile, readKeyFile } from '../../../runtime/installation/key-file';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { type S3Server, startS3Server } from '../../../runtime/servers/s3-server';
import { startTemporalServer, type TemporalServer } from '../../../runtime/servers/temporal-server';
import { closeAfterFile } from '../../support/close-after-file';
import { testKey } from '../../support/installation';
import { serverFiles } from '../../support/server-files';
import { kflow } from '../../unit/cli/support';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-doctor-'));
const at = (name: string) => serverFiles(folder, name);
const keyFile = path.join(folder, 'key', 'installation.key');
const marker = 'planted-password';
let nats: NatsServer;
let closed: NatsServer;
let temporal: TemporalServer;
let s3: S3Server;

closeAfterFile('the servers that the doctor looks at', async () => {
  await Promise.all([nats, closed, temporal, s3].map((server) => server.stop()));
  rmSync(folder, { recursive: true });
});

beforeAll(async () => {
  ensureKeyFile(keyFile);
  nats = await startNatsServer(at('nats'));
  const users = `accounts { KFLOW { jetstream: enabled, users: [{ user: kflow, password: ${marker} }] }, BARE { users: [{ user: bare, password: ${marker} }] } }`;
  closed = await startNatsServer({ ...at('closed'), config: [users] });
  temporal = await startTemporalServer(at('temporal'));
  s3 = await startS3Server(at('s3'));
});

/** A folder of credential files. */
function login(user: string, password: string): string {
  const made = path.join(folder, `login-${user}-${password.length}`);
  mkdirSync(made, { recursive: true });
  for (const [name, text] of Object.entries({ user, password })) writeFileSync(path.join(made, name), text);
  return made;
}

interface Settings {
  readonly nats?: object;
  readonly temporal?: object;
  readonly installation?: object;
  readonly s3?: object;
}

/** Runs the doctor on settings; findings by what they are about. */
async function examine(settings: Settings = {}) {
  const file = path.join(folder, 'controller.json');
  const socket = path.join(folder, 'node.sock');
  const node = createServer().listen(socket);
  await new Promise((resolve) => node.once('listening', resolve));
  const own = {
    nats: { url: nats.url },
    temporal: { address: temporal.address },
    installation: { keyFile },
    cluster: { kind: 'processes', socket },
  };
  writeFileSync(file, JSON.stringify({ ...own, ...settings }));
  try {
    const { status, stdout } = await kflow('doctor', '--config', file, '-o', 'json');
    const findings = new Map((JSON.parse(stdout) as Finding[]).map((finding) => [finding.what, finding]));
    return { status, stdout, of: (what: string) => findings.get(what) };
  } finally {
    await new Promise((resolve) => node.close(resolve));
  }
}

test('exits with 0 where everything works, and says what an open nats means', async () => {
  const { status, of, stdout } = await examine();
  expect(status).toBe(0);
  expect(stdout).not.toContain('"failed"');
  expect(of('node')?.found).toBe(`Node ${process.versions.node}`);
  expect(of('nats')).toMatchObject({ state: 'ok', found: expect.stringContaining('logged in with no credentials') });
  expect(of('nats accounts')).toMatchObject({
    state: 'warning',
    found: expect.stringContaining('nats asks for no login: whoever reaches it can read'),
    remedy: expect.stringContaining('nats.accounts.kind'),
  });
  expect(of('temporal')?.found).toContain(`at ${temporal.address}, no TLS, namespace default`);
  expect(of('cluster')?.state).toBe('ok');
});

test('tells a login from an open nats, and never shows a password', async () => {
  const { of, stdout, status } = await examine({ nats: { url: closed.url, credentials: login('kflow', marker) } });
  expect([status, of('nats')?.state]).toEqual([0, 'ok']);
  expect(of('nats')?.found).toContain('logged in with user and password in the account KFLOW as kflow');
  expect(of('nats accounts')?.found).toContain('all namespaces share one account of nats');
  const refused = await examine({ nats: { url: closed.url, credentials: login('kflow', `${marker}-not`) } });
  expect(refused.status).toBe(1);
  expect(refused.of('nats')).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('refused the login with user and password'),
  });
  expect(stdout + refused.stdout).not.toContain(marker);
});

test('an account without JetStream, and a server that does not answer, fail with what to do', async () => {
  const bare = await examine({ nats: { url: closed.url, credentials: login('bare', marker) } });
  expect(bare.of('nats')).toMatchObject({ state: 'failed', remedy: expect.stringContaining('enable JetStream') });
  const dead = await examine({ nats: { url: 'nats://127.0.0.1:1' }, temporal: { address: '127.0.0.1:1' } });
  expect(dead.status).toBe(1);
  expect(dead.of('nats')).toMatchObject({ state: 'failed', found: 'cannot reach 127.0.0.1:1: ECONNREFUSED' });
  expect(dead.of('temporal')?.state).toBe('failed');
});

test('a namespace that Temporal does not have fails with the command that makes it', async () => {
  const { of } = await examine({ temporal: { address: temporal.address, namespace: 'orders' } });
  expect(of('temporal')).toMatchObject({ state: 'failed', remedy: 'temporal operator namespace create orders' });
});

test('an account of nats and a task queue of another installation fail with what to do, and a look claims neither', async () => {
  const open = await examine();
  const claimed = 'claimed by a controller at its first start';
  expect(open.of('nats claim')).toMatchObject({ state: 'ok', found: `the account of the controller: ${claimed}` });
  expect(open.of('task queue')).toMatchObject({ state: 'ok', found: `kflow: ${claimed}` });
  const queue = { namespace: 'default', taskQueue: 'kflow' };
  const mine = readKeyFile(keyFile).installation;
  const connection = await connectNats({ url: closed.url, credentials: login('kflow', marker) }, 'test');
  await (await claimStore(connection, { installation: 'another', temporal: queue, replicas: 1 }))(async () => true);
  await connection.close();
  const settings = { address: temporal.address, ...queue };
  await lookAtTemporal(settings, (client) => claimTaskQueue(client, settings, 'another'));
  const taken = await examine({ nats: { url: closed.url, credentials: login('kflow', marker) } });
  expect(taken.status).toBe(1);
  expect(taken.of('nats claim')).toEqual({
    what: 'nats claim',
    state: 'failed',
    found: 'this account of the nats server belongs to another installation of KFlow',
    remedy: expect.stringContaining('use another server or account (nats.url, nats.credentials)'),
  });
  expect(taken.of('task queue')).toMatchObject({
    state: 'failed',
    found: expect.stringMatching(/the task queue "kflow" .* belongs to another installation of KFlow$/),
    remedy: expect.stringContaining('choose another one'),
  });
  const other = { ...settings, taskQueue: 'own' };
  await lookAtTemporal(other, (client) => claimTaskQueue(client, other, mine));
  expect((await examine({ temporal: other })).of('task queue')?.found).toBe('own: of this installation');
});

test('the account of an object store is checked, and a wrong one is not shown', async () => {
  const { endpoint: addr, user, password } = s3;
  const right = await examine({ s3: { default: { addr, user, password } } });
  expect(right.of('s3.default')).toMatchObject({ state: 'ok', found: `${addr} accepts the account` });
  const wrong = await examine({ s3: { default: { addr, user, password: marker } } });
  expect([wrong.status, wrong.of('s3.default')?.state]).toEqual([1, 'failed']);
  expect(wrong.stdout).not.toContain(marker);
});

test('a key that others may read, that is missing, or that did not seal the documents is told', async () => {
  chmodSync(keyFile, 0o644);
  expect((await examine()).of('installation key')).toMatchObject({
    state: 'warning',
    remedy: `chmod 600 ${keyFile}`,
  });
  chmodSync(keyFile, 0o600);
  expect((await examine()).of('installation key')?.state).toBe('ok');
  expect((await examine({ installation: { keyFile: '/nowhere' } })).of('installation key')?.state).toBe('failed');
  const connection = await connectNats({ url: nats.url }, 'test');
  const store = await JetStreamFlowStore.open(connection, { replicas: 1, key: testKey() });
  const flow = { namespace: 'default', jobId: 'doctor' };
  await store.putDocument(flow, 'text');
  const { of, status } = await examine();
  expect([status, of('stored documents')?.found]).toEqual([
    1,
    '1 of 1 are sealed with a key that this installation does not have',
  ]);
  await store.removeDocuments(flow);
  await connection.close();
});
