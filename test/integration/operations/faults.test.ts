import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Message, Producer } from '../../../runtime/operations';
import { freePort } from '../../support/free-port';
import { waitFor } from '../../support/wait-for';
import { OperationPlace, type Program } from './operation-place';

const programs = 'test/fixtures/operations/programs';

let place: OperationPlace;
beforeAll(async () => {
  place = await OperationPlace.start();
});

test('KS-20: a message to a nats that is away is a failed result, in both languages', async () => {
  const nowhere = { KFLOW_NATS_URL: `nats://127.0.0.1:${await freePort()}` };
  const message = new Message({ uuid: 'u1', entrypoint: 'm.C' });
  const producer = new Producer({ config: { ...place.config('away'), ...nowhere } });
  expect(await producer.send('work', message)).toMatchObject({ uuid: 'u1', retcode: 503 });
  await producer.close();
  const program = place.start('away', [`${programs}/send.py`, 'work', JSON.stringify(message)], nowhere);
  expect(await program.ended()).toBe(0);
  const [last = ''] = program.output
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .slice(-1);
  expect(JSON.parse(last)).toMatchObject({ uuid: 'u1', retcode: 503 });
});

test('both languages create the same streams, buckets and consumers', async () => {
  const made = async (namespace: string, worker: string) => {
    const consumer = await place.consumer(namespace, `${programs}/${worker}`, {
      KFLOW_NAMESPACE: namespace,
      WORKER_TOPIC: 'work',
      WORKER_CLASSES: 'Step',
    });
    const { manager } = place.place;
    const queue = `kflow_${namespace}__operations`;
    await waitFor('the consumer', () => manager.consumers.info(queue, 'work'));
    const streams = await Promise.all(
      [queue, `${queue}_results`, `KV_${queue}`].map((name) => manager.streams.info(name)),
    );
    const { config } = await manager.consumers.info(queue, 'work');
    consumer.kill('SIGTERM');
    await consumer.ended();
    const all = [...streams.map((stream) => stream.config), config].map(({ metadata: _, ...each }) => each);
    return JSON.parse(JSON.stringify(all).replaceAll(namespace, 'ns'));
  };
  expect(await made('from-python', 'worker.py')).toEqual(await made('from-typescript', 'worker.ts'));
});

test('operations end once each, and no task starts again after it succeeded, while nats and consumers are killed', async () => {
  const notes = path.join(place.folder, 'notes');
  mkdirSync(notes);
  const topic = 'faulty';
  let started = 0;
  const start = (): Promise<Program> => {
    started += 1;
    const file = started % 2 === 0 ? 'worker.ts' : 'worker.py';
    const settings = { WORKER_TOPIC: topic, WORKER_CLASSES: 'Noted NotedThrice', NOTES: notes };
    return place.consumer(`faulty-${started}`, `${programs}/${file}`, settings);
  };
  const consumers = await Promise.all([start(), start(), start()]);
  const uuids = Array.from({ length: 40 }, () => randomUUID());
  for (const [at, uuid] of uuids.entries()) {
    const message = new Message({ uuid, entrypoint: '__main__.NotedThrice' });
    await waitFor(`${uuid} is sent`, async () => (await place.producer.send(topic, message)).retcode === 0);
    if (at === 10 || at === 25) await place.place.restart('SIGKILL');
    if (at % 8 === 7) {
      consumers.shift()?.kill('SIGKILL');
      consumers.push(await start());
    }
  }
  const answersOf = async (entrypoint: string) =>
    (await place.answers(topic)).filter((each) => each.entrypoint === `__main__.${entrypoint}`);
  await waitFor('all have ended', async () => (await answersOf('NotedThrice')).length >= uuids.length);
  const outcomes = await answersOf('NotedThrice');
  expect(outcomes.map(({ uuid }) => uuid).sort()).toEqual([...uuids].sort());
  expect(outcomes.filter(({ result }) => result.retcode !== 0)).toEqual([]);
  const tasks = await answersOf('Noted');
  const storedMs = new Map(tasks.map(({ uuid, timeMs }) => [uuid, timeMs]));
  expect([tasks.length, storedMs.size]).toEqual([3 * uuids.length, 3 * uuids.length]);
  const runs = readdirSync(notes).map((file) => ({ uuid: file.split('.')[0] ?? '', file: path.join(notes, file) }));
  expect(new Set(runs.map(({ uuid }) => uuid)).size).toBe(3 * uuids.length);
  const late = runs.filter(({ uuid, file }) => Number(readFileSync(file, 'utf8')) > (storedMs.get(uuid) ?? 0) + 1);
  expect(late).toEqual([]);
});
