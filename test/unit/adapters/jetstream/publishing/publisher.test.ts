import type { Msg, MsgHdrs, NatsConnection, PublishOptions } from 'nats';
import { JetStreamPublisher } from '../../../../../runtime/adapters/jetstream/publishing/publisher';

interface Sent {
  readonly subject: string;
  readonly id: string;
  readonly reply: string;
  readonly headers: MsgHdrs | undefined;
}

/** A connection whose streams respond when the test says so. */
class Server {
  readonly sent: Sent[] = [];
  isUp = true;
  private answer: (error: null, message: Msg) => void = () => undefined;

  readonly connection = {
    subscribe: (_subject: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
      this.answer = callback;
    },
    publish: (subject: string, _payload: Uint8Array, { reply = '', headers }: PublishOptions) => {
      if (!this.isUp) throw new Error('CONNECTION_CLOSED');
      this.sent.push({ subject, id: headers?.get('Nats-Msg-Id') ?? '', reply, headers });
    },
    isClosed: () => false,
  } as unknown as NatsConnection;

  /** Responds to a message, by its index among all sent messages. */
  reply(index: number, body: object | undefined): void {
    const text = body === undefined ? '' : JSON.stringify(body);
    const message = { subject: this.sent[index]?.reply, data: Buffer.from(text), json: () => body };
    this.answer(null, message as unknown as Msg);
  }

  get ids(): string[] {
    return this.sent.map(({ id }) => id);
  }
}

const full = { error: { err_code: 10_077, description: 'maximum messages exceeded' } };
const payload = Buffer.from('x');

let server: Server;
let publisher: JetStreamPublisher;
let fullSubjects: string[];
let settled: string[];

beforeEach(() => {
  jest.useFakeTimers();
  server = new Server();
  fullSubjects = [];
  settled = [];
  publisher = new JetStreamPublisher(server.connection, (subject) => fullSubjects.push(subject));
});
afterEach(() => {
  publisher.close();
  jest.useRealTimers();
});

function publish(id: string, subject = 's'): void {
  publisher.publish({ subject, id, payload }, (result) => {
    settled.push(result instanceof Error ? `${id}: ${result.message}` : `${id} at ${result.sequence}`);
  });
}

test('sends the headers of a message beside its id', () => {
  publisher.publish(
    { subject: 's', id: 'a', payload, headers: { 'Kflow-Error': 'no', 'Kflow-Function': 'f' } },
    () => {},
  );
  const [{ headers } = { headers: undefined }] = server.sent;
  const names = ['Nats-Msg-Id', 'Kflow-Error', 'Kflow-Function'];
  expect(names.map((name) => headers?.get(name))).toEqual(['a', 'no', 'f']);
});

test('settles a message once, with the response of its stream', () => {
  publish('a');
  publish('b');
  server.reply(1, { stream: 'S', seq: 8 });
  server.reply(0, { stream: 'S', seq: 7, duplicate: true });
  server.reply(0, { stream: 'S', seq: 9 });
  expect(settled).toEqual(['b at 8', 'a at 7']);
});

test.each([
  ['a full stream', full],
  ['a stream without a leader', { error: { err_code: 10_008 } }],
  ['a subject that no stream listens on', undefined],
])('sends a message again that was refused by %s, until it is stored', (_why, answer) => {
  publish('a');
  server.reply(0, answer);
  expect([settled, fullSubjects]).toEqual([[], ['s']]);
  jest.advanceTimersByTime(20);
  expect(server.ids).toEqual(['a', 'a']);
  server.reply(1, answer);
  jest.advanceTimersByTime(40);
  server.reply(2, { stream: 'S', seq: 1 });
  expect(settled).toEqual(['a at 1']);
});

test('keeps the order behind a refused message, without delaying other subjects', () => {
  publish('a');
  server.reply(0, full);
  publish('b');
  publish('other', 't');
  expect(server.ids).toEqual(['a', 'other']);
  jest.advanceTimersByTime(20);
  server.reply(2, { stream: 'S', seq: 1 });
  expect(server.ids).toEqual(['a', 'other', 'a', 'b']);
});

test('sends a refused message again even if the stream has stored a later one', () => {
  publish('a');
  publish('b');
  server.reply(0, full);
  server.reply(1, { stream: 'S', seq: 1 });
  jest.advanceTimersByTime(20);
  expect(server.ids).toEqual(['a', 'b', 'a']);
  server.reply(2, { stream: 'S', seq: 2 });
  expect(settled).toEqual(['b at 1', 'a at 2']);
});

test('fails a message that no retry can store', () => {
  publish('a');
  server.reply(0, { error: { err_code: 10_054, description: 'message size exceeds maximum allowed' } });
  expect(settled).toEqual([expect.stringMatching(/^a: .*message size exceeds maximum allowed \(10054\)/)]);
});

test('fails a message that cannot be sent', () => {
  server.isUp = false;
  publish('a');
  expect(settled).toEqual([expect.stringContaining('CONNECTION_CLOSED')]);
});

test('sends unanswered messages again after a reconnect, with their ids', () => {
  publish('a');
  publish('b');
  server.reply(0, { stream: 'S', seq: 1 });
  publisher.reconnected();
  expect(server.ids).toEqual(['a', 'b', 'b']);
});

test('leaves messages that wait for a full stream alone when the connection returns', () => {
  publish('a');
  server.reply(0, full);
  publish('b');
  publisher.reconnected();
  expect(server.ids).toEqual(['a']);
});

test('sends a message again after five seconds without a response', () => {
  publish('a');
  jest.advanceTimersByTime(4_000);
  expect(server.ids).toEqual(['a']);
  jest.advanceTimersByTime(3_000);
  expect(server.ids).toEqual(['a', 'a']);
});

test('makes producers wait above 4,096 unsettled messages, or 24 MiB', async () => {
  for (let count = 0; count < 4_095; count++) publish(String(count));
  expect(publisher.room()).toBeUndefined();
  publish('last');
  const room = publisher.room();
  expect(room).toBeDefined();
  server.reply(0, { stream: 'S', seq: 1 });
  await room;
  publisher.publish({ subject: 't', id: 'large', payload: Buffer.alloc(24 * 1024 * 1024) }, () => undefined);
  expect(publisher.room()).toBeDefined();
});

test('resolves settled once everything is', async () => {
  publish('a');
  publish('b');
  let isSettled = false;
  const waiting = publisher.settled().then(() => {
    isSettled = true;
  });
  server.reply(0, { stream: 'S', seq: 1 });
  await Promise.resolve();
  expect(isSettled).toBe(false);
  server.reply(1, { stream: 'S', seq: 2 });
  await waiting;
});
