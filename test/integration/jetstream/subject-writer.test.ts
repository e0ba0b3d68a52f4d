import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, DiscardPolicy, type NatsConnection } from 'nats';
import { passwordIdentity } from '../../../runtime/adapters/jetstream/access/nats-login';
import { SubjectWriter } from '../../../runtime/adapters/jetstream/publishing/subject-writer';
import type { WriteOutcome } from '../../../runtime/engine/ports/sink';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { closeAfterFile } from '../../support/close-after-file';
import { freePort } from '../../support/free-port';
import { serverFiles } from '../../support/server-files';
import { waitFor } from '../../support/wait-for';

const config = `authorization {
  users: [
    { user: admin, password: sesame }
    { user: writer, password: open, permissions: { publish: ["open.>", "$JS.API.STREAM.NAMES"], subscribe: "_INBOX.>" } }
  ]
}`.split('\n');

let server: NatsServer;
let admin: NatsConnection;
beforeAll(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-subjects-'));
  server = await startNatsServer({ ...serverFiles(folder, 'nats'), config });
  closeAfterFile('nats-server', async () => {
    await admin?.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  admin = await connect({ servers: server.url, user: 'admin', pass: 'sesame' });
});

const writers: SubjectWriter[] = [];
afterEach(() => Promise.all(writers.splice(0).map((writer) => writer.close())));

function open(user = 'admin', password = 'sesame', url = server.url): SubjectWriter {
  const writer = new SubjectWriter({ url, identity: passwordIdentity(user, password) }, 'test', () => undefined);
  writers.push(writer);
  return writer;
}

const messages = (...ids: string[]) => ids.map((id) => ({ id, payload: Buffer.from(id) }));
const wordOf = (outcome: WriteOutcome | undefined) => outcome?.is;
const manager = () => admin.jetstreamManager();
const storedIn = async (stream: string) => (await (await manager()).streams.info(stream)).state.messages;

test('stores each message once in the stream of the subject, by its id', async () => {
  await (await manager()).streams.add({ name: 'once', subjects: ['once.>'] });
  const writer = open();
  expect((await writer.publish('once.a', messages('1', '2'))).map(wordOf)).toEqual(['stored', 'stored']);
  expect((await writer.publish('once.a', messages('2', '3'))).map(wordOf)).toEqual(['stored', 'stored']);
  expect(await storedIn('once')).toBe(3);
});

test('publishes on a subject that no stream has, with the id in a header', async () => {
  const received: string[] = [];
  admin.subscribe('plain.a', {
    callback: (_, { headers, data }) => received.push(`${headers?.get('Nats-Msg-Id')} ${Buffer.from(data)}`),
  });
  await admin.flush();
  expect((await open().publish('plain.a', messages('1', '2'))).map(wordOf)).toEqual(['stored', 'stored']);
  await waitFor('both messages', () => received.length === 2);
  expect(received).toEqual(['1 1', '2 2']);
});

test('publishes the trace of a message in its headers, with a stream and without one', async () => {
  await (await manager()).streams.add({ name: 'traced', subjects: ['traced.stream'] });
  const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'vendor=1' };
  const received: unknown[] = [];
  admin.subscribe('traced.>', {
    callback: (_, { headers }) => received.push([headers?.get('traceparent'), headers?.get('tracestate')]),
  });
  await admin.flush();
  const message = { id: '1', payload: Buffer.from('1'), trace };
  for (const subject of ['traced.stream', 'traced.plain']) {
    expect((await open().publish(subject, [message])).map(wordOf)).toEqual(['stored']);
  }
  await waitFor('both messages', () => received.length === 2);
  expect(received).toEqual([Object.values(trace), Object.values(trace)]);
});

test('a subject without a stream does not hide the stream of another one', async () => {
  const { streams } = await manager();
  await streams.add({ name: 'beside', subjects: ['beside.a'], discard: DiscardPolicy.New, max_msgs: 1 });
  const writer = open();
  await writer.publish('plain.c', messages('1'));
  expect((await writer.publish('beside.a', messages('1', '2'))).map(wordOf)).toEqual(['stored', 'later']);
});

test('a stream that is full, and one that is gone, are waited for', async () => {
  const { streams } = await manager();
  await streams.add({ name: 'full', subjects: ['full.a'], discard: DiscardPolicy.New, max_msgs: 1 });
  const writer = open();
  expect((await writer.publish('full.a', messages('1', '2'))).map(wordOf)).toEqual(['stored', 'later']);
  await streams.update('full', { max_msgs: -1 });
  expect((await writer.publish('full.a', messages('2'))).map(wordOf)).toEqual(['stored']);
  await streams.delete('full');
  const [gone] = await writer.publish('full.a', messages('3'));
  expect(gone).toMatchObject({ is: 'later', error: { message: 'full.a: the stream of the subject is gone' } });
});

test('a message that is larger than the stream or the server takes is refused for good', async () => {
  await (await manager()).streams.add({ name: 'small', subjects: ['small.a'], max_msg_size: 100 });
  const large = (bytes: number) => [{ id: 'large', payload: Buffer.alloc(bytes) }];
  const refused = { is: 'failed', isRetryable: false, error: { code: 'payload-too-large' } };
  const writer = open();
  expect(await writer.publish('small.a', large(1_000))).toMatchObject([refused]);
  expect(await writer.publish('small.a', large(2_000_000))).toMatchObject([refused]);
  expect(await writer.publish('plain.b', large(2_000_000))).toMatchObject([refused]);
});

test('a subject on which the account may not publish is waited for, and the error says so', async () => {
  const writer = open('writer', 'open');
  expect((await writer.publish('open.a', messages('1'))).map(wordOf)).toEqual(['stored']);
  const [refused] = await writer.publish('closed.a', messages('2'));
  expect(refused).toMatchObject({
    is: 'later',
    error: { message: expect.stringContaining('may not publish on closed.a') },
  });
});

test('a server that refuses the login, and one that does not answer, are waited for', async () => {
  const [refused] = await open('admin', 'wrong').publish('once.a', messages('9'));
  expect(refused).toMatchObject({ is: 'later', error: { code: 'login-failed' } });
  const away = open('admin', 'sesame', `nats://127.0.0.1:${await freePort()}`);
  expect(await away.publish('once.a', messages('9'))).toMatchObject([
    { is: 'later', error: { code: 'stream-failed' } },
  ]);
});
