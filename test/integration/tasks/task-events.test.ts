import { DiscardPolicy, type NatsConnection } from 'nats';
import { eventArchiveStream, eventStream, eventSubject } from '../../../lib/plan/task-names';
import { ensureTaskStreams } from '../../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { JetStreamSharedValues } from '../../../runtime/adapters/jetstream/tasks/jetstream-shared-values';
import { JetStreamTaskEvents } from '../../../runtime/adapters/jetstream/tasks/jetstream-task-events';
import type { TaskEventView } from '../../../runtime/api-contract/task-events';
import type { StoredEvent } from '../../../runtime/controller/executions/ports/task-events';
import { EventWaits } from '../../../runtime/controller/executions/waits/event-waits';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

let nats: JetStreamPlace;
let events: JetStreamTaskEvents;
const step = { execution: 'order-7', run: 1, step: '1', attempt: 1 };
const everything = { sequence: 0, ms: 0 };

beforeAll(async () => {
  nats = await JetStreamPlace.start();
  events = new JetStreamTaskEvents({
    use: (_namespace, work) => work(nats.connection),
    replicas: 1,
    onWarning: () => {},
  });
});

afterAll(async () => {
  events?.close();
  await nats?.close();
});

const publish = (namespace: string, id: string, kind = 'go') =>
  events.publish(namespace, { kind, id, data: {} }, 'tester');
const recent = (namespace: string) => events.recent(namespace, { limit: 100 });
const countOf = async (stream: string) => (await nats.manager.streams.info(stream)).state.messages;

async function stored(namespace: string, id: string): Promise<StoredEvent> {
  const found = (await events.since(namespace, 'go', everything)).find((event) => event.id === id);
  if (found === undefined) throw new Error(`no event ${id}`);
  return found;
}

test('LF-38: an event with receipts moves into the archive, where it is still found', async () => {
  const taken: string[] = [];
  await events.listen('moved', async ({ id }) => void taken.push(id));
  await publish('moved', 'one');
  await publish('moved', 'two');
  await events.receipt('moved', await stored('moved', 'one'), step);
  await events.receipt('moved', await stored('moved', 'one'), { ...step, step: '2' });
  await waitFor('the live stream to have only the other one', async () => (await countOf(eventStream('moved'))) === 1);
  expect((await recent('moved')).map(({ id, receipts }) => [id, receipts.map((receipt) => receipt.step)])).toEqual([
    ['one', ['1', '2']],
    ['two', []],
  ]);
  expect((await events.since('moved', 'go', everything)).map(({ id }) => id)).toEqual(['one', 'two']);
  expect(taken.sort()).toEqual(['one', 'two']);
});

test('LF-38: an archive that fails loses nothing, and goes on when it is back', async () => {
  await publish('full', 'one');
  await publish('full', 'two');
  const archive = (maxMessages: number) =>
    nats.manager.streams.update(eventArchiveStream('full'), { discard: DiscardPolicy.New, max_msgs: maxMessages });
  await archive(1);
  await events.listen('full', async () => undefined);
  await publish('full', 'three');
  for (const id of ['one', 'two', 'three']) await events.receipt('full', await stored('full', id), step);
  await waitFor('one to be archived', async () => (await countOf(eventArchiveStream('full'))) === 1);
  const shown = (await recent('full')).map(({ id, receipts }) => [id, receipts.length]);
  expect(shown).toEqual([
    ['one', 1],
    ['two', 1],
    ['three', 1],
  ]);
  await archive(-1);
  await waitFor('the live stream to be empty', async () => (await countOf(eventStream('full'))) === 0);
  expect((await recent('full')).map(({ id, receipts }) => [id, receipts.length])).toEqual(shown);
});

test('an event stays live until it was shown to every wait', async () => {
  let isBroken = true;
  await events.listen('shown', async () => {
    if (isBroken) throw new Error('not yet');
  });
  await publish('shown', 'one');
  await events.receipt('shown', await stored('shown', 'one'), step);
  const archiver = await waitFor(
    'the receipt to be delivered again',
    () => nats.manager.consumers.info(eventStream('shown'), 'archive'),
    ({ delivered }) => delivered.consumer_seq > 1,
  );
  expect(archiver.num_pending).toBe(0);
  expect(await countOf(eventStream('shown'))).toBe(2);
  isBroken = false;
  await waitFor('the event to be archived', async () => (await countOf(eventStream('shown'))) === 0);
});

test('a follower gets the last events, then every new one, and each again with its receipt', async () => {
  await events.listen('followed', async () => undefined);
  await publish('followed', 'before');
  const abort = new AbortController();
  const following = await events.follow('followed', { limit: 10 }, abort.signal);
  await publish('followed', 'after');
  const seen: TaskEventView[] = [];
  const reading = (async () => {
    for await (const event of following) seen.push(event);
  })();
  await waitFor('both events', async () => seen.length === 2);
  await events.receipt('followed', await stored('followed', 'after'), step);
  await waitFor('the receipt', async () => seen.length === 3);
  abort.abort();
  await reading;
  expect(seen.map(({ id, receipts }) => [id, receipts.length])).toEqual([
    ['before', 0],
    ['after', 0],
    ['after', 1],
  ]);
});

/** Waits of a namespace, and the executions whose waits have ended. */
async function openWaits(namespace: string): Promise<{ readonly waits: EventWaits; readonly ended: string[] }> {
  const ended: string[] = [];
  const props = {
    use: <T>(_of: string, work: (of: NatsConnection) => Promise<T>) => work(nats.connection),
    replicas: 1,
  };
  const waits = new EventWaits({
    shared: new JetStreamSharedValues(props),
    events,
    endWaits: async (_namespace, all) => void ended.push(...all.map(({ ref }) => ref.execution)),
  });
  await ensureTaskStreams(nats.manager, namespace);
  return { waits, ended };
}

const wait = (execution: string) => ({ ref: { ...step, execution }, kind: 'go', isReceipted: true });

test.each(['', 'text', 'null', '[1]', '{"data":null,"at":5,"by":7}', '{"data":[],"at":"soon"}'])(
  'an event that somebody has published as %j counts from then on, and breaks no wait',
  async (text) => {
    const namespace = `bare-${Buffer.from(text).toString('hex')}`;
    const { waits, ended } = await openWaits(namespace);
    const sinceMs = Date.now() - 1_000;
    expect(await waits.begin(namespace, { ...wait('matching'), match: { a: 1 } })).toBeUndefined();
    await nats.connection.jetstream().publish(eventSubject(namespace, 'go'), text);
    expect(await waits.begin(namespace, { ...wait('from-start'), sinceMs })).toEqual({});
    await events.publish(namespace, { kind: 'go', id: 'whole', data: { a: 1 } }, 'tester');
    await waitFor('the other wait to end', async () => ended.includes('matching'));
    const [bare] = await recent(namespace);
    expect(bare).toMatchObject({ kind: 'go', data: {}, receipts: [{ execution: 'from-start' }] });
    expect(Date.parse(bare?.at ?? '')).toBeGreaterThan(sinceMs - 60_000);
  },
);

test('a wait that counts from the start of its execution finds an archived event; another one does not', async () => {
  const { waits, ended } = await openWaits('waited');
  const sinceMs = Date.now();
  expect(await waits.begin('waited', wait('first'))).toBeUndefined();
  await publish('waited', 'one');
  await waitFor('the wait to end', async () => ended.includes('first'));
  await waitFor('the event to be archived', async () => (await countOf(eventStream('waited'))) === 0);
  expect(await waits.begin('waited', { ...wait('from-start'), sinceMs })).toEqual({});
  expect(await waits.begin('waited', { ...wait('late'), sinceMs: Date.now() + 1 })).toBeUndefined();
  expect(await waits.begin('waited', wait('next'))).toBeUndefined();
  await publish('waited', 'two');
  await waitFor('both to end', async () => ended.includes('late') && ended.includes('next'));
});

describe('ids', () => {
  test('an event with the kind and id of an earlier one is that one', async () => {
    const first = await publish('same', 'one');
    expect(await publish('same', 'one')).toEqual(first);
    await publish('same', 'one', 'other');
    expect((await recent('same')).map(({ kind, id }) => [kind, id])).toEqual([
      ['go', 'one'],
      ['other', 'one'],
    ]);
  });

  test.each(['a.b', '* >', 'an id with spaces', 'ä/é'])('an event may have the id %j, and receipts', async (id) => {
    const namespace = `odd-${Buffer.from(id).toString('hex')}`;
    await publish(namespace, id);
    await events.receipt(namespace, await stored(namespace, id), step);
    expect(await recent(namespace)).toMatchObject([{ id, receipts: [{ execution: 'order-7' }] }]);
  });
});
