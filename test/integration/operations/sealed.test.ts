import { randomBytes, randomUUID } from 'node:crypto';
import { Message, Producer } from '../../../runtime/operations';
import { Secretbox } from '../../../runtime/operations/transport/sealed-transport';
import { OperationPlace } from './operation-place';

const key = randomBytes(32).toString('base64');
const programs = 'test/fixtures/operations/programs';
const namespace = 'sealed';
const results = `kflow_${namespace}__operations_results`;
/** Of the streams of operations and their results, and of the bucket of their states. */
const subjects = [`kflow.${namespace}.operation.>`, `$KV.kflow_${namespace}__operations.>`];

let place: OperationPlace;
beforeAll(async () => {
  place = await OperationPlace.start();
});

const worker = (name: string, file: string, classes: string, secretbox: string) =>
  place.consumer(name, `${programs}/${file}`, {
    WORKER_TOPIC: file.endsWith('.py') ? 'python' : 'typescript',
    WORKER_CLASSES: classes,
    KFLOW_NAMESPACE: namespace,
    KFLOW_SECRETBOX_KEY: secretbox,
  });

test('KS-25: an operation runs on consumers of both languages, and nothing that nats stores of it can be read', async () => {
  const consumers = await Promise.all([
    worker('p', 'worker.py', 'First FromPython', key),
    worker('t', 'worker.ts', 'Second', key),
  ]);
  const config = { ...place.config('sender'), KFLOW_NAMESPACE: namespace };
  const sealed = new Producer({ config: { ...config, KFLOW_SECRETBOX_KEY: key } });
  const foreign = new Producer({ config: { ...config, KFLOW_SECRETBOX_KEY: randomBytes(32).toString('base64') } });
  const open = new Producer({ config });
  const message = new Message({ uuid: randomUUID(), entrypoint: '__main__.FromPython', params: { price: 4_111 } });
  for (const producer of [foreign, open]) await producer.send('python', message.with({ uuid: randomUUID() }));
  const stored: string[] = [];
  for (const subject of subjects) {
    place.place.connection.subscribe(subject, { callback: (_error, found) => void stored.push(found.string()) });
  }
  await place.place.connection.flush();
  await sealed.send('python', message);
  for (const consumer of consumers)
    await consumer.says(consumer.name === 'p' ? 'FromPython.Success' : 'Second.Success');
  expect(consumers[0]?.output.match(/Controller\.ImportError: message: cannot be decrypted/g)).toHaveLength(2);

  expect(stored.length).toBeGreaterThan(5);
  for (const each of stored) {
    expect(each).not.toMatch(/4111|__main__|price|First|Second|params/);
    expect(Object.keys(JSON.parse(each)).sort()).toEqual(['data', 'nonce']);
  }
  const box = new Secretbox(key);
  const answers = (await place.place.texts(results)).map((each) => JSON.parse(box.decrypt(each)));
  expect(answers.at(-1)).toMatchObject({ uuid: message.uuid, result: { retcode: 0, retval: { seen: 4_111 } } });
  await Promise.all([sealed, foreign, open].map((producer) => producer.close()));
});
