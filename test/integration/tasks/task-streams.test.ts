import { taskStream, taskSubject, workerBucket } from '../../../lib/plan/task-names';
import { ensureTaskConsumer, ensureTaskStreams } from '../../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { JetStreamPlace } from '../jetstream/jetstream-place';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

test('streams and consumers of tasks are created once, by whoever comes first', async () => {
  const mail = { namespace: 'prod', taskNamespace: 'mail' };
  for (let times = 0; times < 2; times++) {
    await Promise.all([ensureTaskStreams(place.manager, 'prod'), ensureTaskStreams(place.manager, 'prod')]);
    await Promise.all([ensureTaskConsumer(place.manager, mail), ensureTaskConsumer(place.manager, mail)]);
  }
  const subject = taskSubject('prod', { taskNamespace: 'mail', name: 'send' });
  await place.connection.jetstream().publish(subject, 'a task');
  expect(await place.count(taskStream('prod'))).toBe(1);
  const consumer = await place.connection.jetstream().consumers.get(taskStream('prod'), 'mail');
  for await (const message of await consumer.fetch({ max_messages: 1 })) await message.ackAck();
  expect(await place.count(taskStream('prod'))).toBe(0);
  const { config } = await place.manager.streams.info(`KV_${workerBucket('prod')}`);
  expect(config.max_age).toBeGreaterThan(0);
});
