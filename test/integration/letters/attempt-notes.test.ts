import { deadLetterStream } from '../../../lib/plan/names';
import { JetStreamAttemptNotes } from '../../../runtime/adapters/jetstream/letters/attempt-notes';
import { readKeys } from '../../../runtime/adapters/jetstream/read-run';
import { noHistory } from '../../../runtime/engine/letters/letter-history';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { publishLetter } from '../../support/dead-letter';
import { deliveryOf } from '../../support/delivery';
import { waitFor } from '../../support/wait-for';
import { specOf } from '../../unit/plan/planned';
import { recordOf } from '../engine/engine-replica';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder } from '../replica/replica-run';
import { LetterFlow } from './letter-flow';

let place: JetStreamPlace;
const folder = new CodeFolder();

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(async () => {
  await place.close();
  folder.remove();
});

/** Notes of `map`, and the records and letters that have some, as `<sequence>.<letter>`. */
async function open(jobId: string) {
  const flow = await LetterFlow.open(place, folder, { jobId });
  const spec = specOf(flow.plan, 'map');
  const { connection, manager } = place;
  const notes = new JetStreamAttemptNotes({ connection, manager, spec, log: () => undefined });
  const prefix = `attempt.map.${spec.epoch ?? 0}.${flow.stream('source')}.`;
  const noted = async () => {
    const keys = (await readKeys(manager, spec.stateBucket, 'attempt.>')) ?? [];
    return [...new Set(keys.map((key) => key.slice(prefix.length).split('.').slice(0, 2).join('.')))].sort();
  };
  return { flow, notes, noted };
}

/** A delivery of a record of `source`, or of its letter. */
function delivered(flow: LetterFlow, sequence: number, letter?: number): Delivery {
  const redriven = { id: 'r', writer: 'map', storedAt: '', stored: new Set<number>(), history: noHistory };
  const stream = flow.stream('source');
  if (letter === undefined) return deliveryOf({ stream, sequence });
  return deliveryOf({ stream, sequence, redriven: { ...redriven, letter } });
}

const attempt = (number: number) => ({
  number,
  at: new Date().toISOString(),
  replica: 'map-0',
  reason: 'exception',
  type: 'E',
  message: `attempt ${number}`,
});

test('the attempts of a record are read in their order, without those of its letter, and removed when it ends', async () => {
  const { flow, notes, noted } = await open('noted');
  const [record, letter] = [delivered(flow, 1), delivered(flow, 1, 1)];
  for (const number of [10, 9, 1]) notes.note(record, attempt(number));
  notes.note(letter, attempt(2));
  await waitFor('the notes', async () => (await noted()).length === 2);
  expect((await notes.of(record)).map(({ message }) => message)).toEqual(['attempt 1', 'attempt 9', 'attempt 10']);
  expect((await notes.of(letter)).map(({ message }) => message)).toEqual(['attempt 2']);
  notes.forget(record);
  await notes.settled();
  expect(await noted()).toEqual(['1.1']);
});

test('a replica that starts removes the notes of acked records, and of letters that are gone', async () => {
  const { flow, notes, noted } = await open('swept');
  const client = place.connection.jetstream();
  for (const text of ['one', 'two']) await client.publish('kflow.default.swept.source.out', recordOf(text));
  const consumer = await client.consumers.get(flow.stream('source'), 'map');
  await (await consumer.next())?.ackAck();
  for (const text of ['gone', 'kept']) await publishLetter(place.connection, flow.flow, { functionId: 'map', text });
  await place.manager.streams.deleteMessage(deadLetterStream(flow.flow), 1);
  for (const record of [delivered(flow, 1), delivered(flow, 2), delivered(flow, 1, 1), delivered(flow, 1, 2)]) {
    notes.note(record, attempt(1));
  }
  await waitFor('the notes', async () => (await noted()).length === 4);
  await notes.sweep();
  expect(await noted()).toEqual(['1.2', '2.0']);
});
