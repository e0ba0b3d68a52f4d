import { AckPolicy, type ConsumerInfo, headers, nanos } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { consumersOf, partitionSubject } from '../../../lib/plan/partitions';
import { keyHeader, keyOfValue, partitionOf } from '../../../runtime/engine/order/record-key';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { inputOf, outputOf, passOn, Replica, recordOf, stopReplicas, textOf, type Work } from './engine-replica';

/** As short as retries allow, so that what a replica leaves behind is delivered again soon. */
const ackWaitMs = 2_000;
const partitions = 16;
const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  await place.stream('dead');
});
afterEach(stopReplicas);
afterAll(() => place.close());

/** A function between two streams with partitions, and `count` records of each key, `<key> <number>`, in its input. */
async function between(name: string, count: number): Promise<Partial<FunctionSpec>> {
  const [from, to] = [`${name}-in`, `${name}-out`];
  const input = { ...inputOf(from), partitions };
  for (const stream of [from, to]) await place.stream(stream, { subjects: [`${stream}.out.*`] });
  for (const { stream, durable, subject } of consumersOf(input)) {
    const config = { durable_name: durable, filter_subject: subject, ack_policy: AckPolicy.Explicit, max_deliver: -1 };
    await place.manager.consumers.add(stream, { ...config, ack_wait: nanos(ackWaitMs) });
  }
  for (let number = 0; number < count; number++) await Promise.all(keys.map((key) => publish(from, key, number)));
  return {
    inputs: [input],
    output: { ...outputOf(to), partitions: { count: partitions } },
    ackWaitMs,
    maxDeliver: 100,
  };
}

async function publish(stream: string, key: string, number: number): Promise<void> {
  const hashed = keyOfValue(key);
  const head = headers();
  head.set(keyHeader, hashed);
  const subject = partitionSubject(`${stream}.out`, partitionOf(hashed, partitions));
  await place.connection.jetstream().publish(subject, recordOf(`${key} ${number}`), { headers: head });
}

/** The numbers of each key in a stream, in order. */
async function numbersIn(stream: string): Promise<{ [key: string]: number[] }> {
  const found: { [key: string]: number[] } = Object.fromEntries(keys.map((key) => [key, []]));
  for (const payload of await place.payloads(stream)) {
    const [key = '', number] = textOf(payload).split(' ');
    found[key]?.push(Number(number));
  }
  return found;
}

/** What the consumers of a stream have delivered. */
async function deliveries(stream: string): Promise<number> {
  return sumOf(stream, ({ delivered }) => delivered.consumer_seq);
}

async function sumOf(stream: string, read: (info: ConsumerInfo) => number): Promise<number> {
  const consumers = consumersOf({ ...inputOf(stream), partitions });
  const infos = await Promise.all(consumers.map(({ durable }) => place.manager.consumers.info(stream, durable)));
  return infos.reduce((sum, info) => sum + read(info), 0);
}

const inOrder = (count: number) =>
  Object.fromEntries(keys.map((key) => [key, Array.from({ length: count }, (_, number) => number)]));

/** Takes its time, a different one for each record; every seventh fails at its first attempt. */
function unevenWork(): Work {
  const tried = new Set<string>();
  let calls = 0;
  return async ({ id, payload }, events) => {
    const text = textOf(payload);
    const call = calls++;
    await new Promise((resolve) => setTimeout(resolve, (call * 7) % 5));
    if (call % 7 === 3 && !tried.has(text)) {
      tried.add(text);
      throw new Error('at the first attempt');
    }
    await events.output(id, payload, '');
  };
}

test('keeps the order of each key with several replicas and records in parallel, through retries', async () => {
  const count = 15;
  const spec = await between('parallel', count);
  for (const replica of [0, 1, 2])
    Replica.start(place, { spec: { ...spec, replicas: 3, concurrency: 8 }, work: unevenWork(), replica });
  await waitFor('all stored', async () => (await place.count('parallel-out')) === count * keys.length);
  expect(await numbersIn('parallel-out')).toEqual(inOrder(count));
});

test('keeps the order of each key while replicas of another count take over before the old ones end', async () => {
  const count = 20;
  const spec = await between('scaled', count);
  let running: Replica[] = [];
  for (const replicas of [1, 3, 2, 4, 1]) {
    const old = running;
    const before = await deliveries('scaled-in');
    running = Array.from({ length: replicas }, (_, replica) =>
      Replica.start(place, { spec: { ...spec, replicas, concurrency: 4 }, work: unevenWork(), replica }),
    );
    await waitFor('both have got some', async () => (await deliveries('scaled-in')) > before + 10);
    await Promise.all(old.map((replica) => replica.stop()));
  }
  await waitFor('all stored', async () => (await place.count('scaled-out')) === count * keys.length);
  expect(await numbersIn('scaled-out')).toEqual(inOrder(count));
});

test('keeps the order of each key through the kill of the server', async () => {
  const count = 20;
  const spec = await between('killed', count);
  for (const replica of [0, 1])
    Replica.start(place, { spec: { ...spec, replicas: 2, concurrency: 4 }, work: unevenWork(), replica });
  for (const part of [0.2, 0.6]) {
    await waitFor('progress', async () => (await place.count('killed-out')) > part * count * keys.length);
    await place.restart('SIGKILL');
  }
  await waitFor('all stored', async () => (await place.count('killed-out')) === count * keys.length);
  expect(await numbersIn('killed-out')).toEqual(inOrder(count));
});

test('waits for what another replica has, which it never acks, and then passes all on in order', async () => {
  const spec = await between('frozen', 3);
  const frozen: Work = () => new Promise(() => undefined);
  const first = Replica.start(place, { spec: { ...spec, concurrency: 4 }, work: frozen });
  const unacked = () => sumOf('frozen-in', (info) => info.num_ack_pending);
  await waitFor('the first replica has some', async () => (await unacked()) > 0);
  Replica.start(place, { spec });
  await first.stop(0);
  await waitFor('all stored', async () => (await place.count('frozen-out')) === 3 * keys.length);
  expect(await numbersIn('frozen-out')).toEqual(inOrder(3));
});

test('lets the records of a key wait until the letter of one is stored, and no others', async () => {
  const count = 4;
  const spec = await between('letters', count);
  const stored: string[] = [];
  const work: Work = async (record, events) => {
    const text = textOf(record.payload);
    if (text === 'key-3 1') throw new Error('never');
    stored.push(text);
    await passOn(record, events);
  };
  const replica = Replica.start(place, { spec: { ...spec, concurrency: 4, maxDeliver: 2 }, work });
  await waitFor('all ended', () => replica.counters.in + replica.counters.dead === count * keys.length);
  const { 'key-3': failing, ...others } = await numbersIn('letters-out');
  const { 'key-3': _, ...expected } = inOrder(count);
  expect([failing, others]).toEqual([[0, 2, 3], expected]);
  expect(stored.slice(-2)).toEqual(['key-3 2', 'key-3 3']);
});
