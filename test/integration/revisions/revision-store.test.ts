import type { NatsConnection } from 'nats';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamRevisionStore } from '../../../runtime/adapters/jetstream/revisions/jetstream-revision-store';
import { RevisionController } from '../../../runtime/controller/revisions/service/revision-controller';
import { testKey } from '../../support/installation';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const key = testKey();
let place: JetStreamPlace;
let store: JetStreamRevisionStore;
let other: JetStreamRevisionStore;
let connection: NatsConnection;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  connection = await connectNats({ url: place.url }, 'another');
  [store, other] = await Promise.all([
    JetStreamRevisionStore.open({ connection: place.connection, replicas: 1, key }),
    JetStreamRevisionStore.open({ connection, replicas: 1, key }),
  ]);
});
afterAll(async () => {
  await connection.close();
  await place.close();
});

const document = (code: string, more = '') =>
  `component: Shared\noutputs: { n: { type: int } }\ncode: 'def main(): return ${code}'\n${more}`;
const eva = { by: 'eva' };

test('two controllers that publish and release at the same time lose nothing, and agree on the latest', async () => {
  const controllers = [new RevisionController(store), new RevisionController(other)] as const;
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      controllers[index % 2 === 0 ? 0 : 1].publish(
        'both',
        { document: document(String(index)), tag: `1.${index}`, release: true },
        eva,
      ),
    ),
  );
  const [one, two] = await Promise.all(controllers.map((each) => each.list('both', {})));
  expect(one).toEqual(two);
  expect(one?.map(({ tag }) => tag).sort()).toEqual(Array.from({ length: 20 }, (_, index) => `1.${index}`).sort());
  const times = one?.map(({ releasedAt }) => releasedAt) ?? [];
  expect(new Set(times).size).toBe(20);
  expect(one?.filter(({ isLatest }) => isLatest).map(({ releasedAt }) => releasedAt)).toEqual([times.sort().at(-1)]);
});

test('one tag stands for one revision when two controllers publish it at the same time', async () => {
  const controllers = [store, other].map((each) => new RevisionController(each));
  const results = await Promise.all(
    controllers.map((each) => each.publish('tag', { document: document('1'), tag: '1', release: false }, eva)),
  );
  expect(new Set(results.map(({ id }) => id)).size).toBe(1);
  expect(results.map(({ outcome }) => outcome).sort()).toEqual(['created', 'unchanged']);
});

test('documents are stored sealed, and go with their drafts', async () => {
  const revisions = new RevisionController(store);
  const before = await place.count('OBJ_kflow_revision_documents');
  for (const code of ['1', 'SECRET'])
    await revisions.publish('sealed', { document: document(code), tag: '1', release: false }, eva);
  const objects = await place.connection.jetstream().views.os('kflow_revision_documents');
  const sealed = (await objects.list()).filter(({ name }) => name.startsWith('sealed/'));
  const blobs = await Promise.all(sealed.map(({ name }) => objects.getBlob(name)));
  expect(blobs.map((blob) => Buffer.from(blob ?? []).includes('SECRET'))).toEqual([false, false]);
  expect((await new RevisionController(other).get('sealed', 'Shared:1')).document).toBe(document('SECRET'));
  await revisions.delete('sealed', 'Shared:1', eva);
  expect(await place.count('OBJ_kflow_revision_documents')).toBe(before);
  expect(await revisions.list('sealed', {})).toEqual([]);
});
