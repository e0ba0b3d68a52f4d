import { headers } from 'nats';
import { OriginIndex } from '../../../runtime/adapters/jetstream/origin-index';
import { renderAcks } from '../../../runtime/engine/manual/ack-note';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { mapSpec } from '../../unit/plan/planned';
import { inputOf, outputOf } from '../engine/engine-replica';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  for (const stream of ['in', 'out']) await place.stream(stream);
  await place.consumer('in', 'map');
  await place.fill('in', Array(9).fill('x'));
});
afterAll(() => place.close());

/** Stores an output, as the writer of the function does, that names messages that are acked with it. */
async function store(id: string, stream: string, sequences: readonly number[]): Promise<void> {
  const head = headers();
  head.set('Kflow-Acks', renderAcks(sequences.map((sequence) => ({ stream, sequence }))) ?? '');
  await place.connection.jetstream().publish('out.out', 'x', { msgID: id, headers: head });
}

const delivery = (stream: string, sequence: number) => ({ stream, sequence, timestampMs: 0 }) as Delivery;

test('finds the messages that were acked with an output of this function and epoch, also later ones', async () => {
  const spec = mapSpec({ inputs: [inputOf('in')], output: outputOf('out') });
  const index = new OriginIndex(place.connection, spec, [outputOf('out')]);
  await store('map:in:3:0', 'in', [1, 2, 3]);
  await store('map@2:in:5:0', 'in', [5]);
  await store('other:in:6:0', 'in', [6]);
  const found = async () =>
    Promise.all([1, 2, 3, 4, 5, 6, 7].map((sequence) => index.wasAcked(delivery('in', sequence))));
  expect(await found()).toEqual([true, true, true, false, false, false, false]);
  await store('map:in:7:0', 'in', [4, 7]);
  expect(await found()).toEqual([true, true, true, true, false, false, true]);
  expect(await index.wasAcked(delivery('elsewhere', 1))).toBe(false);
});
