import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import {
  inputOf,
  MemoryMessageStore,
  outputOf,
  passOn,
  Replica,
  recordOf,
  stopReplicas,
  textOf,
} from './engine-replica';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  await place.stream('dead');
});
afterEach(stopReplicas);
afterAll(() => place.close());

/** Creates the streams `<name>-in` with records and `<name>-out`, and returns the spec of a function between them. */
async function between(name: string, count: number, maxMsgs = -1): Promise<Partial<FunctionSpec>> {
  const [from, to] = [`${name}-in`, `${name}-out`];
  await place.stream(from);
  await place.stream(to, { max_msgs: maxMsgs });
  await place.consumer(from, 'map');
  await place.fill(from, texts(count).map(recordOf));
  return { inputs: [inputOf(from)], output: outputOf(to) };
}

function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `record ${index}`);
}

async function outputs(name: string): Promise<string[]> {
  return (await place.payloads(`${name}-out`)).map(textOf);
}

test('acks a record only after its output is stored, and acks all records once there is room', async () => {
  const spec = await between('pressure', 500, 100);
  const replica = Replica.start(place, { spec });
  await waitFor('the output is full', async () => (await place.count('pressure-out')) === 100);
  await waitFor('more is processed', () => replica.counters.out > 100);
  await waitFor('what is stored is acked', async () => (await place.ackFloor('pressure-in', 'map')) === 100);
  const seen = await outputs('pressure');
  while (seen.length < 500) {
    await place.manager.streams.purge('pressure-out');
    await waitFor('full again', async () => (await place.count('pressure-out')) === 100);
    await waitFor('acked', async () => (await place.ackFloor('pressure-in', 'map')) === seen.length + 100);
    seen.push(...(await outputs('pressure')));
  }
  expect(seen).toEqual(texts(500));
  expect(replica.counters).toMatchObject({ in: 500, out: 500, failed: 0, dead: 0 });
});

test('holds no more than a thousand records while its output is full', async () => {
  const spec = await between('bounded', 1_500, 1);
  Replica.start(place, { spec });
  const held: number[] = [];
  const holdMore = async () => held.push(await place.ackPending('bounded-in', 'map'));
  const isSettled = () => held.length > 50 && new Set([0, ...held.slice(-50)]).size === 2;
  await waitFor('the replica to take no more', holdMore, isSettled);
  expect(Math.max(...held)).toBeLessThanOrEqual(1_000);
  await place.manager.streams.update('bounded-out', { max_msgs: -1 });
  await waitFor('all flows', async () => (await place.ackFloor('bounded-in', 'map')) === 1_500);
  expect(await outputs('bounded')).toEqual(texts(1_500));
});

test('retries a failing record, then dead-letters it without affecting its neighbours', async () => {
  const spec = await between('failing', 5);
  const triedAt: number[] = [];
  const replica = Replica.start(place, {
    spec: { ...spec, maxDeliver: 3 },
    work: (record, events) => {
      if (textOf(record.payload) === 'record 2') {
        triedAt.push(Date.now());
        throw new TypeError(`no\nway, ${'é'} and half a ${'\ud83d'}`);
      }
      return passOn(record, events);
    },
  });
  await waitFor('given up', () => replica.counters.dead === 1);
  expect(replica.counters).toMatchObject({ in: 4, out: 4, failed: 3, dead: 1 });
  const [first = 0, second = 0, third = 0] = triedAt;
  expect(second - first).toBeGreaterThan(950);
  expect(third - second).toBeGreaterThan(1_950);
  expect(await outputs('failing')).toEqual(texts(5).filter((text) => text !== 'record 2'));
  await waitFor('all acked', async () => (await place.ackFloor('failing-in', 'map')) === 5);
  const letter = await place.manager.streams.getMessage('dead', { last_by_subj: 'dead.out' });
  expect(textOf(letter.data)).toBe('record 2');
  expect(Object.fromEntries([...letter.header].map(([name, values]) => [name, values[0]]))).toEqual({
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    'Nats-Msg-Id': 'dead:map:failing-in:3',
    'Kflow-Function': 'map',
    'Kflow-Origin-Stream': 'failing-in',
    'Kflow-Origin-Sequence': '3',
    'Kflow-Deliveries': '3',
    'Kflow-Failed-At': expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    'Kflow-Reason': 'exception',
    'Kflow-Error-Type': 'TypeError',
    'Kflow-Error': 'no way, %C3%A9 and half a %EF%BF%BD',
    'Kflow-Origin-Time': expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    'Kflow-Writer': 'map',
    'Kflow-Replica': '',
    'Kflow-History': expect.stringContaining('"e":"TypeError"'),
  });
});

test('dead-letters a record at its first failure when the failure counts as processed', async () => {
  const spec = await between('counted', 1);
  const replica = Replica.start(place, {
    spec,
    work: () => {
      throw Object.assign(new Error('bad'), { name: 'AckException' });
    },
  });
  await waitFor('acked', async () => (await place.ackFloor('counted-in', 'map')) === 1);
  expect(replica.counters).toMatchObject({ in: 0, out: 0, failed: 1, dead: 1 });
});

test('dead-letters a message that is not a record, and continues', async () => {
  const spec = await between('unreadable', 1);
  await place.fill('unreadable-in', ['text', Buffer.from('c3ff', 'hex'), recordOf('last')]);
  const replica = Replica.start(place, { spec: { ...spec, maxDeliver: 1 } });
  await waitFor('all acked', async () => (await place.ackFloor('unreadable-in', 'map')) === 4);
  expect(replica.counters).toMatchObject({ in: 2, out: 2, failed: 2, dead: 2 });
  expect(await outputs('unreadable')).toEqual(['record 0', 'last']);
});

test('sends a large output through the message store and reads it back from there', async () => {
  const spec = await between('large', 2);
  const store = new MemoryMessageStore();
  await place.consumer('large-out', 'next');
  await place.stream('large-end');
  const work: typeof passOn = ({ id, payload }, events) => {
    const text = textOf(payload);
    void events.output(id, recordOf(text === 'record 1' ? text.padEnd(2_000, '.') : text), '');
  };
  Replica.start(place, { spec, work, maxPayload: 1_000, store });
  const next = { function: 'next', inputs: [inputOf('large-out', 'next')], output: outputOf('large-end') };
  Replica.start(place, { spec: next, store });
  await waitFor('both arrive', async () => (await place.count('large-end')) === 2);
  expect(store.payloads.size).toBe(1);
  const [small, claim] = (await place.texts('large-out')).sort((one, other) => one.length - other.length);
  expect(small).toMatch(/record 0$/);
  expect(JSON.parse(claim ?? '')).toMatchObject({ claim: { bucket: 'memory', bytes: 2_010 } });
  const arrived = (await place.payloads('large-end')).map(textOf).sort((one, other) => one.length - other.length);
  expect(arrived).toEqual(['record 0', 'record 1'.padEnd(2_000, '.')]);
});

test('reads all of its inputs and writes its side outputs', async () => {
  for (const stream of ['left', 'right']) {
    await place.stream(stream);
    await place.consumer(stream, 'map');
    await place.fill(
      stream,
      texts(20).map((text) => recordOf(`${stream} ${text}`)),
    );
  }
  await place.stream('both');
  await place.stream('aside');
  const replica = Replica.start(place, {
    spec: {
      inputs: [inputOf('left'), inputOf('right')],
      output: outputOf('both'),
      sideOutputs: [{ ...outputOf('aside'), id: 'odd' }],
    },
    work: ({ id, payload, origin }, events) => {
      void events.output(id, payload, '');
      if (origin.sequence % 2 === 1) void events.output(id, recordOf(`${origin.input}`), 'odd');
      void events.output(id, payload, 'unread');
    },
  });
  await waitFor('all acked', () => replica.counters.in === 40);
  const expected = ['left', 'right'].flatMap((stream) => texts(20).map((text) => `${stream} ${text}`));
  expect((await place.payloads('both')).map(textOf).sort()).toEqual(expected.sort());
  expect((await place.payloads('aside')).map(textOf).sort()).toEqual([...Array(10).fill('0'), ...Array(10).fill('1')]);
});

test('loses and repeats nothing when the server is killed and restarted', async () => {
  const spec = await between('killed', 2_000);
  const replica = Replica.start(place, { spec });
  await waitFor('begun', () => replica.counters.in > 100);
  await place.restart('SIGKILL');
  await waitFor('all acked', async () => (await place.ackFloor('killed-in', 'map')) === 2_000);
  expect((await outputs('killed')).sort()).toEqual(texts(2_000).sort());
});
