import { FlowEvents } from '../../../../../runtime/adapters/jetstream/flow-store/flow-events';
import type { FlowEvent } from '../../../../../runtime/controller/flows/ports/flow-store';
import { MemoryJetStream } from '../../../../support/memory-jetstream';

const flow = { namespace: 'ns', jobId: 'job' };

function eventOf(id: string, fields: Partial<FlowEvent> = {}): FlowEvent {
  return { ...flow, id, at: '2026-01-01T00:00:00.000Z', kind: 'audit', what: 'submit', ...fields };
}

let events: FlowEvents;
let abort: AbortController;

beforeEach(async () => {
  events = await FlowEvents.open(new MemoryJetStream().connection, 1);
  abort = new AbortController();
});
afterEach(() => abort.abort());

/** Follows the flow, and returns a function that resolves to the id of the next event. */
async function follow(): Promise<() => Promise<string | undefined>> {
  const followed = (await events.follow(flow, abort.signal))[Symbol.asyncIterator]();
  return async () => ((await followed.next()) as IteratorResult<FlowEvent, undefined>).value?.id;
}

test('keeps one event for each id, also when a write is retried', async () => {
  for (const id of ['a', 'a', 'b']) await events.add(eventOf(id));
  expect(await events.last(flow, {})).toEqual([eventOf('a'), eventOf('b')]);
});

test('returns the last events of a kind, oldest first', async () => {
  for (const id of ['a', 'b', 'c']) await events.add(eventOf(id));
  await events.add(eventOf('d', { kind: 'phase' }));
  await events.add(eventOf('e', { jobId: 'other' }));
  const ids = async (limit: number) => (await events.last(flow, { kind: 'audit', limit })).map(({ id }) => id);
  expect([await ids(2), await ids(9)]).toEqual([
    ['b', 'c'],
    ['a', 'b', 'c'],
  ]);
});

test('yields every event after the call, even if it was added before the first read', async () => {
  await events.add(eventOf('before'));
  const next = await follow();
  for (const id of ['one', 'two']) await events.add(eventOf(id));
  expect([await next(), await next()]).toEqual(['one', 'two']);
});

test('wakes a follower for an event of its flow, and ends it with the signal', async () => {
  const next = await follow();
  const first = next();
  await events.add(eventOf('foreign', { jobId: 'other' }));
  await events.add(eventOf('own'));
  expect(await first).toBe('own');
  const last = next();
  abort.abort();
  expect(await last).toBeUndefined();
});
