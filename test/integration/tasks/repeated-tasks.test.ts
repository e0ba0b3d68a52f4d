import { heartbeatSubject, resultSubject, taskSubject } from '../../../lib/plan/task-names';
import { ensureTaskStreams } from '../../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { NamespaceTasks } from '../../../runtime/adapters/jetstream/tasks/namespace-tasks';
import { JetStreamTaskLinks } from '../../../runtime/adapters/jetstream/tasks/task-links';
import type { HeartbeatAnswer } from '../../../runtime/api-contract/task-message';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const namespace = 'prod';
const room = 1_000_000;

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  await ensureTaskStreams(place.manager, namespace);
});
afterAll(() => place.close());

test('a worker takes what was stored before it connected, or connected again, for delivered', async () => {
  const send = (name: string) =>
    place.connection.jetstream().publish(taskSubject(namespace, { taskNamespace: 'mail', name }), name);
  await send('before');
  const worker = { namespace, taskNamespace: 'mail', worker: 'w' };
  const links = await JetStreamTaskLinks.open(place.connection, worker, () => undefined);
  const deliveries: Delivery[] = [];
  const next = async () => {
    const count = deliveries.length;
    links.deliveries.demand(1, room);
    await waitFor('a delivery', () => deliveries.length > count);
    return deliveries.at(-1);
  };
  links.deliveries.start((delivery) => deliveries.push(delivery));
  expect(await next()).toMatchObject({ deliveries: 1, isRepeated: true });
  await send('new');
  expect(await next()).toMatchObject({ deliveries: 1, isRepeated: false });
  await send('unseen');
  links.reconnected();
  expect(await next()).toMatchObject({ deliveries: 1, isRepeated: true });
  await waitFor('a new one', async () => {
    await send('new');
    return (await next())?.isRepeated === false;
  });
  links.deliveries.stop();
  links.close();
});

test('whether a task is to begin is answered when the results that were stored before are passed on', async () => {
  const tasks = await NamespaceTasks.open({
    connection: place.connection,
    namespace,
    replicas: 1,
    onWarning: () => undefined,
  });
  const stop = new AbortController();
  const passed: string[] = [];
  let isTemporalAway = true;
  const reports = {
    result: async (_namespace: string, { id }: { readonly id: string }) => {
      if (isTemporalAway) throw new Error('away');
      passed.push(id);
    },
    malformed: async () => false,
    confirm: async () => undefined,
    isWanted: async (_namespace: string, { id }: { readonly id: string }) => !passed.includes(id),
  };
  let isListening = false;
  const listening = tasks.listen(reports, stop.signal, () => {
    isListening = true;
  });
  await waitFor('the consumer', () => isListening);
  const ask = async (id: string): Promise<HeartbeatAnswer> => {
    const question = JSON.stringify({ v: 1, id, token: 't', lease: 'begins' });
    return (await place.connection.request(heartbeatSubject(namespace), question, { timeout: 2_000 })).json();
  };
  const report = { v: 1, id: 'e/1/1/1', token: 't', at: new Date().toISOString(), worker: 'w', kind: 'succeeded' };
  await place.connection.jetstream().publish(resultSubject(namespace, 'e'), JSON.stringify(report));
  await expect(ask('e/1/1/1')).rejects.toThrow(/TIMEOUT/);
  expect(await ask('other/1/1/1')).toMatchObject({ isCanceled: false });
  isTemporalAway = false;
  const answer = await waitFor('an answer', () => ask('e/1/1/1'));
  expect(answer).toEqual({ isCanceled: true });
  stop.abort();
  await listening;
});
