import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publishing/publisher';
import type { PublishAck } from '../../../runtime/engine/ports/publisher';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let publisher: JetStreamPublisher;
let refusals: string[];
/** Results by message id, in the order of settling. */
let results: Map<string, PublishAck | Error>;
const made: JetStreamPublisher[] = [];

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(() => {
  refusals = [];
  results = new Map();
  publisher = place.onReconnect(new JetStreamPublisher(place.connection, (subject) => refusals.push(subject)));
  made.push(publisher);
});
afterAll(async () => {
  for (const each of made) each.close();
  await place.close();
});

function publish(stream: string, from: number, to: number, payload?: Uint8Array): void {
  for (let n = from; n < to; n++) {
    const id = `${stream}-${n}`;
    publisher.publish({ subject: `${stream}.out`, id, payload: payload ?? Buffer.from(String(n)) }, (result) => {
      expect(results.has(id)).toBe(false);
      results.set(id, result);
    });
  }
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

function stored(): PublishAck[] {
  return [...results.values()].filter((result): result is PublishAck => !(result instanceof Error));
}

test('stores thousands in flight in the order of publishing', async () => {
  await place.stream('many');
  publish('many', 0, 3_000);
  await publisher.settled();
  expect(stored().map(({ sequence }) => sequence)).toEqual(Array.from({ length: 3_000 }, (_, index) => index + 1));
  expect(stored()[0]).toEqual({ stream: 'many', sequence: 1, duplicate: false });
  expect(refusals).toEqual([]);
});

test('settles an id that the stream already has as a duplicate', async () => {
  await place.stream('twice');
  publish('twice', 0, 2);
  await publisher.settled();
  results.clear();
  publish('twice', 1, 2);
  await publisher.settled();
  expect(stored()).toEqual([{ stream: 'twice', sequence: 2, duplicate: true }]);
  expect(await place.count('twice')).toBe(2);
});

test('keeps messages that a full stream refuses, and stores them in order once there is room', async () => {
  await place.stream('full', { max_msgs: 1_000 });
  const waiting = 1_700; // more than a burst
  publish('full', 0, 1_000 + waiting);
  await waitFor('full', () => refusals.length > 0 && results.size === 1_000);
  const seen = await place.texts('full');
  for (let made = 1; results.size < 1_000 + waiting; made++) {
    await place.manager.streams.purge('full');
    await waitFor('room is used', () => results.size === Math.min(1_000 * (made + 1), 1_000 + waiting));
    seen.push(...(await place.texts('full')));
  }
  expect(seen).toEqual(numbers(0, 1_000 + waiting));
  expect(new Set(refusals)).toEqual(new Set(['full.out']));
});

test('retries a stream that stays full with growing pauses, and reports each refusal', async () => {
  await place.stream('stays-full', { max_msgs: 1 });
  const before = place.connection.stats().outMsgs;
  const refusedAt: number[] = [];
  const patient = new JetStreamPublisher(place.connection, () => {
    refusedAt.push(performance.now());
    sent.push(place.connection.stats().outMsgs - before);
  });
  const sent: number[] = [];
  made.push(patient);
  publisher = place.onReconnect(patient);
  publish('stays-full', 0, 2_000);
  await waitFor(
    'five refusals',
    () => refusedAt,
    ({ length }) => length >= 5,
  );
  // Each retry of a refused burst sends its first message only.
  expect(sent.slice(0, 5)).toEqual([2_000, 2_001, 2_002, 2_003, 2_004]);
  const [first = 0, , , , fifth = 0] = refusedAt;
  expect(fifth - first).toBeGreaterThan(290); // pauses of 20, 40, 80 and 160 ms
  await place.manager.streams.update('stays-full', { max_msgs: -1 });
  await publisher.settled();
  expect(await place.texts('stays-full')).toEqual(numbers(0, 2_000));
});

test('stores in one stream while another is full', async () => {
  await place.stream('blocked', { max_msgs: 1 });
  await place.stream('open');
  publish('blocked', 0, 600);
  await waitFor('refused', () => refusals.length > 0);
  publish('open', 0, 100);
  await waitFor('stored', () => results.size === 101);
  expect(await place.count('open')).toBe(100);
  await place.manager.streams.update('blocked', { max_msgs: -1 });
  await publisher.settled();
});

test('keeps messages for a missing stream, and stores them once the stream exists', async () => {
  publish('later', 0, 20);
  await waitFor('refused', () => refusals.length > 0);
  await place.stream('later');
  await publisher.settled();
  expect(await place.texts('later')).toEqual(numbers(0, 20));
});

test('stores each message once when the server is killed in the middle', async () => {
  await place.stream('killed');
  publish('killed', 0, 1_000);
  await waitFor('begun', () => results.size > 0);
  publish('killed', 1_000, 3_000);
  const restarted = place.restart('SIGKILL');
  publish('killed', 3_000, 4_000);
  await restarted;
  await publisher.settled();
  expect(stored()).toHaveLength(4_000);
  const found = await place.texts('killed');
  expect(found.sort((one, other) => Number(one) - Number(other))).toEqual(numbers(0, 4_000));
});

test('settles a message above the size limit of the server with an error', async () => {
  await place.stream('large');
  publish('large', 0, 1, Buffer.alloc(1_048_577));
  await publisher.settled();
  expect(results.get('large-0')).toMatchObject({
    code: 'stream-failed',
    message: /large\.out: not sent: .*MAX_PAYLOAD/,
  });
});

test('settles a message that the stream will never take with an error', async () => {
  await place.stream('small', { max_msg_size: 10 });
  publish('small', 0, 1, Buffer.alloc(11));
  await publisher.settled();
  expect(results.get('small-0')).toMatchObject({ code: 'stream-failed', message: /message size exceeds maximum/ });
});

test('a producer waits while too many messages are unsettled', async () => {
  await place.stream('room', { max_msgs: 1 });
  publish('room', 0, 4_095);
  expect(publisher.room()).toBeUndefined();
  publish('room', 4_095, 4_096);
  let hasRoom = false;
  const room = publisher.room()?.then(() => {
    hasRoom = true;
  });
  await waitFor('refused', () => refusals.length > 1);
  expect({ hasRoom, settled: results.size }).toEqual({ hasRoom: true, settled: 1 }); // one was stored
  publish('room', 4_096, 4_097);
  expect(publisher.room()).toBeInstanceOf(Promise);
  await place.manager.streams.update('room', { max_msgs: -1 });
  await Promise.all([room, publisher.settled()]);
  expect(publisher.room()).toBeUndefined();
});
