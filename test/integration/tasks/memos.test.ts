import { sharedBucket, valueBucket } from '../../../lib/plan/task-names';
import { JetStreamSharedValues } from '../../../runtime/adapters/jetstream/tasks/jetstream-shared-values';
import { JetStreamTaskValues } from '../../../runtime/adapters/jetstream/tasks/jetstream-task-values';
import { admitAttempt, leaveAttempt } from '../../../runtime/controller/executions/activities/admit-attempt';
import { ClaimedValues } from '../../../runtime/controller/executions/claimed-values';
import type { LatchWaits } from '../../../runtime/controller/executions/waits/latch-waits';
import { Memos, maxMemos } from '../../../runtime/controller/executions/waits/memos';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const namespace = 'team';
const ref = { execution: 'e', run: 1, step: '1', attempt: 1 };
const large = { text: 'x'.repeat(100_000) };

let nats: JetStreamPlace;
let shared: JetStreamSharedValues;
let memos: Memos;
let claimed: ClaimedValues;

beforeAll(async () => {
  nats = await JetStreamPlace.start();
  const use = <T>(_namespace: string, work: (connection: typeof nats.connection) => Promise<T>) =>
    work(nats.connection);
  shared = new JetStreamSharedValues({ use, replicas: 1 });
  const values = new JetStreamTaskValues({ use });
  memos = new Memos({ shared, values });
  claimed = new ClaimedValues(values, namespace, 'mark');
});

afterAll(() => nats?.close());

/** Without limits. */
const admission = () => ({ memos, values: claimed, latches: {} as LatchWaits });

const memoized = (key: string, maxAgeMs?: number) => ({
  base: 'a:b',
  memoize: { key, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) },
});
const remember = (key: string, value: unknown, maxAgeMs?: number) =>
  leaveAttempt(admission(), namespace, { ref, ...memoized(key, maxAgeMs), output: { value } });
async function find(key: string): Promise<{ readonly output?: unknown } | undefined> {
  const result = await admitAttempt(admission(), namespace, { ref, ...memoized(key) });
  return result.kind === 'known' ? { output: result.output } : undefined;
}
const messages = async (stream: string) => (await nats.manager.streams.info(stream)).state.messages;
const objects = async () => {
  const infos = await (await nats.connection.jetstream().views.os(valueBucket(namespace))).list();
  return infos.map(({ name }) => name).filter((name) => name.startsWith('/memo/'));
};

test('a result that is too old is removed, with its object and without a trace; others are kept', async () => {
  await remember('kept', { n: 1 });
  await remember('old', { n: 2 }, 1);
  await remember('large', large, 1);
  expect([await find('kept'), (await objects()).length]).toEqual([{ output: { n: 1 } }, 1]);
  await waitFor('the results to be old', async () => {
    await memos.sweep(namespace);
    await shared.sweep(namespace, 0);
    return (await messages(`KV_${sharedBucket(namespace)}`)) === 1;
  });
  expect([await find('kept'), await find('old'), await objects()]).toEqual([{ output: { n: 1 } }, undefined, []]);
});

test('what a client could not send in time does not bring back a value that was removed', async () => {
  const change = (next: { n: number } | undefined) =>
    shared.change<{ n: number }, void>(namespace, 'late', () => ({ next, result: undefined }));
  await change({ n: 1 });
  await change(undefined);
  await shared.sweep(namespace);
  const late = nats.connection
    .jetstream()
    .publish(`$KV.${sharedBucket(namespace)}.late`, '{"n":1}', { expect: { lastSubjectSequence: 0 } });
  await expect(late).rejects.toThrow('wrong last sequence');
  expect(await shared.get(namespace, 'late')).toBeUndefined();
  await shared.sweep(namespace, 0);
});

test('an execution keeps the result that it has taken when the memo is removed', async () => {
  await remember('taken', large, 60_000);
  const found = await find('taken');
  await remember('taken', large, 1);
  await waitFor('the result to be removed', async () => {
    await memos.sweep(namespace);
    return (await find('taken')) === undefined;
  });
  expect(await claimed.resolve(found?.output)).toEqual(large);
});

test('a memo whose object is gone is none', async () => {
  await remember('lost', large);
  await (await nats.connection.jetstream().views.os(valueBucket(namespace))).delete((await objects())[0] ?? '');
  expect(await find('lost')).toBeUndefined();
});

test('of results that do not expire, the newest are kept', async () => {
  const entries = Array.from({ length: maxMemos + 2 }, (_, at) => [`memo/${at}`, { atMs: at }] as const);
  const removed: string[] = [];
  const many = new Memos({
    shared: Object.assign(Object.create(shared), {
      all: async () => entries,
      change: async (_: string, key: string) => void removed.push(key),
    }),
    values: { remove: async () => undefined },
  });
  await many.sweep(namespace);
  expect(removed).toEqual(['memo/1', 'memo/0']);
});
