import { AckPolicy, nanos } from 'nats';
import { resultConsumer, resultStream, resultSubject, sharedBucket, taskStream } from '../../../lib/plan/task-names';
import { NamespaceTasks } from '../../../runtime/adapters/jetstream/tasks/namespace-tasks';
import type { TaskMessage } from '../../../runtime/api-contract/task-message';
import type { TaskReports } from '../../../runtime/controller/executions/ports/task-bus';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const namespace = 'prod';
let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

const open = () =>
  NamespaceTasks.open({ connection: place.connection, namespace, replicas: 1, onWarning: () => undefined });

function message(id: string): TaskMessage {
  const [execution = '', , step = ''] = id.split('/');
  const sentAt = new Date().toISOString();
  return { v: 1, id, token: id, execution, step, task: 'mail:send', name: 'send', attempt: 1, sentAt };
}

/** What a worker does with the next task. */
async function work(kind: 'succeeded' | 'receipt'): Promise<void> {
  const consumer = await place.connection.jetstream().consumers.get(taskStream(namespace), 'mail');
  const task = await consumer.next();
  if (task === null) throw new Error('there is no task');
  const { id, token, execution } = task.json<TaskMessage>();
  const result = { v: 1, id, token, at: new Date().toISOString(), worker: 'w', kind };
  await place.connection.jetstream().publish(resultSubject(namespace, execution), JSON.stringify(result));
  await task.ackAck();
}

test('a nats-server that is killed has forgotten the tasks that were acked; those with a result are known', async () => {
  const tasks = await open();
  await tasks.send([message('e1/1/1/1'), message('e1/1/2/1'), message('e2/1/1/1')]);
  for (const kind of ['succeeded', 'receipt', 'succeeded'] as const) await work(kind);
  expect([...(await tasks.reported('e1'))]).toEqual([]); // nothing is stored twice yet
  const [again] = await tasks.send([message('e1/1/1/1')]);
  expect(await place.count(taskStream(namespace))).toBe(0);

  await place.restart('SIGKILL');
  await waitFor('the results', async () => (await tasks.reported('e1')).size > 0);
  expect([...(await tasks.reported('e1'))]).toEqual(['e1/1/1/1']);
  expect([...(await tasks.reported('e2'))]).toEqual(['e2/1/1/1']);
  expect([...(await tasks.reported('e3'))]).toEqual([]);
  // a controller that starts after the server knows of it from the one before
  expect([...(await (await open()).reported('e1'))]).toEqual(['e1/1/1/1']);
  const [forgotten] = await tasks.send([message('e1/1/1/1')]);
  expect(forgotten?.sequence).toBeGreaterThan(again?.sequence ?? 0);
  expect(await place.count(taskStream(namespace))).toBe(1);
});

test('a server that was started again long ago stores no message twice', async () => {
  const bucket = await place.connection.jetstream().views.kv(sharedBucket(namespace));
  const note = (await bucket.get('server'))?.json<{ readonly id: string; readonly restartedMs: number }>();
  await bucket.put('server', JSON.stringify({ ...note, restartedMs: Date.now() - 3_600_000 }));
  expect([...(await (await open()).reported('e1'))]).toEqual([]);
});

test('the consumer of an earlier version is changed, and a result is held as long as it takes', async () => {
  const stream = resultStream(namespace);
  const settings = { ack_policy: AckPolicy.Explicit, max_ack_pending: 20_000, max_deliver: -1 };
  await place.manager.consumers.add(stream, {
    ...settings,
    durable_name: resultConsumer,
    ack_wait: nanos(60_000),
  });
  const taken: string[] = [];
  let pass = () => {};
  const isPassed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  const reports: TaskReports = {
    result: async (_namespace, { id }) => {
      taken.push(id);
      await isPassed;
    },
    malformed: async () => false,
    isWanted: async () => true,
    confirm: async () => undefined,
  };
  const stop = new AbortController();
  const listening = (await open()).listen(reports, stop.signal, () => undefined);
  await waitFor('the results', () => taken.length === 3);
  expect((await place.manager.consumers.info(stream, resultConsumer)).config.ack_wait).toBe(nanos(15_000));
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  expect(taken.length).toBe(3);
  pass();
  await waitFor('the acks', async () => (await place.count(stream)) === 0);
  stop.abort();
  await listening;
});

test('the tasks of one run of an execution are in one trace, each a span of its own', async () => {
  const tasks = await open();
  const ids = ['e7/1/1/1', 'e7/1/2/1', 'e7/2/1/1'];
  const sent = await tasks.send(ids.map(message));
  const parents = await Promise.all(
    sent.map(async ({ sequence }) => {
      const { header } = await place.manager.streams.getMessage(taskStream(namespace), { seq: sequence });
      return header.get('traceparent').split('-');
    }),
  );
  const [first, second, other] = parents.map(([, trace]) => trace);
  expect([second === first, other === first]).toEqual([true, false]);
  expect(new Set(parents.map(([, , span]) => span)).size).toBe(3);
  expect(parents.map((parts) => parts.map(({ length }) => length))).toEqual(ids.map(() => [2, 32, 16, 2]));
});
