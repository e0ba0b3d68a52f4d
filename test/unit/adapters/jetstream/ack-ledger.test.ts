import type { NatsConnection } from 'nats';
import { AckLedger } from '../../../../runtime/adapters/jetstream/ack-ledger';

/** A connection whose round trips the test ends. */
class Server {
  sent: string[] = [];
  readonly roundTrips: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];

  readonly connection = {
    publish: (reply: string, text: Uint8Array) => this.sent.push(`${reply} ${text}`),
    flush: () => new Promise<void>((end, fail) => this.roundTrips.push({ end, fail })),
    isClosed: () => false,
  } as unknown as NatsConnection;

  /** What was sent since the last call. */
  take(): string[] {
    return this.sent.splice(0);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

let server: Server;
let ledger: AckLedger;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  server = new Server();
  ledger = new AckLedger(server.connection);
});
afterEach(() => {
  ledger.close();
  jest.useRealTimers();
});

function ack(reply: string): void {
  ledger.ack(reply, Buffer.from('+ACK'));
}

function nak(reply: string): void {
  ledger.nak(reply, Buffer.from('-NAK'));
}

/** Begins a round trip and returns how to end it. */
function roundTrip(): () => Promise<unknown> {
  jest.advanceTimersByTime(200);
  const { end } = server.roundTrips.at(-1) ?? { end: () => undefined };
  return () => {
    end();
    return turn();
  };
}

function repeated(): string[] {
  server.take();
  ledger.reconnected();
  return server.take();
}

test('sends answers at once, and again after a reconnect', () => {
  ack('a');
  nak('n');
  expect(server.take()).toEqual(['a +ACK', 'n -NAK']);
  expect(repeated()).toEqual(['a +ACK', 'n -NAK']);
});

test('repeats no nak that the server has received, and an ack until the server has written it', async () => {
  ack('a');
  nak('n');
  await roundTrip()();
  expect(repeated()).toEqual(['a +ACK']);
  jest.advanceTimersByTime(1_000);
  await roundTrip()();
  expect(repeated()).toEqual([]);
});

test('repeats answers that were sent during a round trip', async () => {
  nak('n');
  const end = roundTrip();
  nak('late');
  await end();
  expect(repeated()).toEqual(['late -NAK']);
});

test('does not count a round trip that began before a reconnect', async () => {
  nak('n');
  const end = roundTrip();
  ledger.reconnected();
  await end();
  expect(repeated()).toEqual(['n -NAK']);
});

test('begins no round trip while one is in progress, or without answers', () => {
  jest.advanceTimersByTime(1_000);
  expect(server.roundTrips).toHaveLength(0);
  nak('n');
  jest.advanceTimersByTime(1_000);
  expect(server.roundTrips).toHaveLength(1);
});

test('is flushed once the server has received everything, over a lost connection', async () => {
  ack('a');
  nak('n');
  let isFlushed = false;
  const flushed = ledger.flush().then(() => {
    isFlushed = true;
  });
  server.roundTrips[0]?.fail(new Error('DISCONNECT'));
  await turn();
  jest.advanceTimersByTime(50);
  await turn();
  expect([server.roundTrips.length, isFlushed]).toEqual([2, false]);
  server.roundTrips[1]?.end();
  await flushed;
  await ledger.flush(); // the unwritten ack was received
});
