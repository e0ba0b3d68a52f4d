import { AckPolicy } from 'nats';
import { StreamTrimmer } from '../../../runtime/adapters/jetstream/stream-trimmer';
import { outputOf } from '../engine/engine-replica';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** Acks the next messages of a reader. */
async function read(stream: string, durable: string, count: number): Promise<void> {
  const consumer = await place.connection.jetstream().consumers.get(stream, durable);
  for await (const message of await consumer.fetch({ max_messages: count })) await message.ackAck();
}

async function twoReaders(stream: string, limits: { max_msgs?: number; max_bytes?: number }, payloads: Uint8Array[]) {
  await place.stream(stream, limits);
  for (const durable of ['fast', 'slow']) await place.consumer(stream, durable);
  await place.fill(stream, payloads);
  return new StreamTrimmer(place.connection, outputOf(stream, { durables: ['fast', 'slow'] }));
}

async function firstSequence(stream: string): Promise<number> {
  return (await place.manager.streams.info(stream)).state.first_seq;
}

test('removes only what both readers have acked', async () => {
  const trimmer = await twoReaders('both', { max_msgs: 100 }, Array(100).fill(Buffer.from('.')));
  await read('both', 'fast', 90);
  expect(await trimmer.trim()).toBe(0);
  await read('both', 'slow', 20);
  expect(await trimmer.trim()).toBe(20);
  expect(await firstSequence('both')).toBe(21);
  await place.fill('both', Array(20).fill(Buffer.from('.')));
  await read('both', 'slow', 70);
  expect(await trimmer.trim()).toBe(50); // half of the limit stays as history
  expect(await firstSequence('both')).toBe(71);
});

test('leaves a stream with room alone', async () => {
  const trimmer = await twoReaders('roomy', { max_msgs: 100 }, Array(80).fill(Buffer.from('.')));
  for (const durable of ['fast', 'slow']) await read('roomy', durable, 80);
  expect(await trimmer.trim()).toBe(0);
});

test('makes room for one more large message even when few fit', async () => {
  const large = Buffer.alloc(900_000);
  const trimmer = await twoReaders('large', { max_bytes: 4_000_000 }, Array(3).fill(large));
  await place.fill('large', [Buffer.alloc(400_000)]); // 77 % full, and the next large one does not fit
  await expect(place.fill('large', [large])).rejects.toMatchObject({ api_error: { err_code: 10_077 } });
  for (const durable of ['fast', 'slow']) await read('large', durable, 4);
  expect(await trimmer.trim()).toBe(2);
  await place.fill('large', [large]);
});

test('removes what every partition has acked, and stops at the first message that one has not', async () => {
  await place.stream('parts', { max_msgs: 100, subjects: ['parts.out.*'] });
  for (const partition of [0, 1]) {
    const config = { durable_name: `map_p${partition}`, filter_subject: `parts.out.${partition}` };
    await place.manager.consumers.add('parts', { ...config, ack_policy: AckPolicy.Explicit });
  }
  // the messages 1 and 61 are of one partition, all others of the other
  for (let sequence = 1; sequence <= 100; sequence++)
    await place.connection.jetstream().publish(`parts.out.${sequence === 1 || sequence === 61 ? 0 : 1}`, '.');
  const output = { ...outputOf('parts', { durables: ['map'] }), partitions: { count: 2 } };
  const trimmer = new StreamTrimmer(place.connection, output);
  await read('parts', 'map_p1', 98);
  expect(await trimmer.trim()).toBe(0);
  await read('parts', 'map_p0', 1);
  expect(await trimmer.trim()).toBe(50);
  await fillPart('parts.out.1', 50);
  await read('parts', 'map_p1', 50);
  expect(await trimmer.trim()).toBe(10);
  expect(await firstSequence('parts')).toBe(61);
  await read('parts', 'map_p0', 1);
  await fillPart('parts.out.1', 10);
  expect(await trimmer.trim()).toBe(50);
});

async function fillPart(subject: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) await place.connection.jetstream().publish(subject, '.');
}
