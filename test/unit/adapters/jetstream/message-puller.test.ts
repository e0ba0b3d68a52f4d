import type { Msg, NatsConnection } from 'nats';
import { AckLedger } from '../../../../runtime/adapters/jetstream/ack-ledger';
import { MessagePuller } from '../../../../runtime/adapters/jetstream/message-puller';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';

type Callback = (error: null, message: Msg) => void;

/** A connection whose consumer answers when the test says so. */
class Server {
  readonly batches: number[] = [];
  readonly replies: string[] = [];
  readonly inboxes: string[] = [];
  private callback: Callback = () => undefined;
  unsubscribed = 0;
  drained = 0;

  readonly connection = {
    subscribe: (inbox: string, { callback }: { callback: Callback }) => {
      this.inboxes.push(inbox);
      this.callback = callback;
      return {
        unsubscribe: () => this.unsubscribed++,
        drain: async () => {
          this.drained++;
        },
      };
    },
    publish: (subject: string, text: string | Uint8Array, options?: { reply: string }) => {
      if (options === undefined) {
        this.replies.push(`${subject} ${text}`);
        return;
      }
      expect([subject, options.reply]).toEqual(['$JS.API.CONSUMER.MSG.NEXT.S.reader', this.inboxes.at(-1)]);
      this.batches.push((JSON.parse(String(text)) as { batch: number }).batch);
    },
    flush: async () => undefined,
    isClosed: () => false,
  } as unknown as NatsConnection;

  deliver(sequence: number, { reply = `$JS.ACK.S.reader.2.${sequence}.99.1500000000.0`, bytes = 1 } = {}): void {
    this.callback(null, { reply, data: Buffer.alloc(bytes) } as unknown as Msg);
  }

  status(code: number, pending?: number): void {
    const get = (name: string) => (name === 'Nats-Pending-Messages' && pending !== undefined ? String(pending) : '');
    this.callback(null, { data: Buffer.of(), headers: { code, get } } as unknown as Msg);
  }
}

const plenty = 1e12;
let server: Server;
let acks: AckLedger;
let puller: MessagePuller;
let deliveries: Delivery[];

beforeEach(() => {
  jest.useFakeTimers();
  server = new Server();
  deliveries = [];
  acks = new AckLedger(server.connection);
  puller = new MessagePuller(server.connection, acks, { stream: 'S', durable: 'reader' });
  puller.start((delivery) => deliveries.push(delivery));
});
afterEach(() => {
  puller.stop();
  acks.close();
  jest.useRealTimers();
});

test.each([
  ['nothing without room for a message', 0, plenty, []],
  ['nothing without room for a byte', 9, 0, []],
  ['as many messages as there is room for', 9, plenty, [9]],
  ['at most 500 messages at a time', 9_999, plenty, [500]],
  ['a few messages before it knows their size', 9, 3 * 512 * 1024, [3]],
  ['one message when there is little room', 9, 1, [1]],
])('requests %s', (_title, messages, bytes, batches) => {
  puller.demand(messages, bytes);
  expect(server.batches).toEqual(batches);
});

test('requests the difference once half of the messages have arrived', () => {
  puller.demand(10, plenty);
  for (let sequence = 1; sequence <= 4; sequence++) server.deliver(sequence);
  puller.demand(10, plenty);
  expect(server.batches).toEqual([10]);
  server.deliver(5);
  puller.demand(10, plenty);
  expect(server.batches).toEqual([10, 5]);
});

test('requests more messages as they turn out to be small', () => {
  puller.demand(100, 1024 * 1024);
  for (let sequence = 1; sequence <= 200; sequence++) server.deliver(sequence);
  puller.demand(100, 1024 * 1024);
  expect(server.batches).toEqual([2, 100]);
});

test('replaces a request that has expired, and later one that ended with an error', () => {
  puller.demand(10, plenty);
  server.deliver(1);
  server.status(408, 9);
  expect(server.batches).toEqual([10, 9]);
  server.status(409);
  expect(server.batches).toEqual([10, 9]);
  jest.advanceTimersByTime(250);
  expect(server.batches).toEqual([10, 9, 9]);
});

test('replaces a request without heartbeats, and none with them', () => {
  puller.demand(10, plenty);
  for (let count = 0; count < 5; count++) {
    jest.advanceTimersByTime(3_000);
    server.status(100);
  }
  expect(server.batches).toEqual([10]);
  jest.advanceTimersByTime(8_000);
  expect(server.batches).toEqual([10, 10]);
});

test('requests everything again on a new inbox after a reconnect', () => {
  puller.demand(10, plenty);
  server.deliver(1);
  puller.reconnected();
  expect([server.batches, server.unsubscribed]).toEqual([[10, 9], 1]);
  expect(new Set(server.inboxes).size).toBe(2);
});

test('requests nothing after a stop, and still delivers the messages in flight', () => {
  puller.demand(10, plenty);
  puller.stop();
  server.deliver(1);
  puller.demand(10, plenty);
  puller.reconnected();
  jest.advanceTimersByTime(60_000);
  expect([server.batches, server.drained, deliveries.length]).toEqual([[10], 1, 1]);
});

test.each(['$JS.ACK.S.reader.2.7.99.1500000000.0', '$JS.ACK.hub.hash.S.reader.2.7.99.1500000000.0.token'])(
  'reads the metadata of a message from %s',
  (reply) => {
    server.deliver(7, { reply, bytes: 3 });
    expect(deliveries).toMatchObject([
      { stream: 'S', sequence: 7, deliveries: 2, timestampMs: 1_500, payload: Buffer.alloc(3) },
    ]);
  },
);

test('answers to the reply subject, with the delay of a nak in nanoseconds', () => {
  server.deliver(1, { reply: 'r.1' });
  deliveries[0]?.working();
  deliveries[0]?.nak(1_500);
  deliveries[0]?.ack();
  expect(server.replies).toEqual(['r.1 +WPI', 'r.1 -NAK {"delay":1500000000}', 'r.1 +ACK']);
});

test('repeats an ack after a reconnect, and no nak that the server has received', async () => {
  server.deliver(1, { reply: 'r.1' });
  server.deliver(2, { reply: 'r.2' });
  deliveries[0]?.nak(0);
  deliveries[1]?.ack();
  await acks.flush();
  server.replies.splice(0);
  acks.reconnected();
  expect(server.replies).toEqual(['r.2 +ACK']);
});
