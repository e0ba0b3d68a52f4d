import { createHash } from 'node:crypto';
import { FlowDocuments } from '../../../runtime/adapters/jetstream/flow-store/flow-documents';
import { InstallationKey, newInstallationKey } from '../../../runtime/installation/installation-key';
import { JetStreamPlace } from './jetstream-place';

const stream = 'OBJ_kflow_documents';
const text = `password: ${'planted-'.repeat(40_000)}`;
const [first, second] = [newInstallationKey(), newInstallationKey()];
const key = InstallationKey.parse(first, 'first');
const rotated = InstallationKey.parse(`${second}${first}`, 'both');
const onlySecond = InstallationKey.parse(second, 'second');

let place: JetStreamPlace;
let count = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

const open = (used: InstallationKey) => FlowDocuments.open({ connection: place.connection, replicas: 1, key: used });
const newFlow = () => ({ namespace: 'sealed', jobId: `job${++count}` });

/** Stores a document as versions without an installation key did. */
async function storePlain(flow: { namespace: string; jobId: string }): Promise<string> {
  await open(key);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 32);
  const objects = await place.connection.jetstream().views.os('kflow_documents');
  await objects.putBlob({ name: `${flow.namespace}/${flow.jobId}/${digest}` }, Buffer.from(text));
  return digest;
}

/** Everything in the stream, with subjects. */
async function stored(): Promise<string> {
  const { state } = await place.manager.streams.info(stream);
  const parts: string[] = [];
  for (let sequence = state.first_seq; sequence <= state.last_seq; sequence++) {
    const message = await place.manager.streams.getMessage(stream, { seq: sequence }).catch(() => undefined);
    if (message !== undefined) parts.push(message.subject, Buffer.from(message.data).toString('latin1'));
  }
  return parts.join('\n');
}

test('nothing of a document is stored in plain text, and its digest is not that of the text', async () => {
  const documents = await open(key);
  const flow = newFlow();
  const digest = await documents.put(flow, text);
  expect(await documents.get(flow, digest)).toBe(text);
  expect(await stored()).not.toContain('planted-');
  expect(digest).not.toBe(createHash('sha256').update(text).digest('hex').slice(0, 32));
});

test('documents that an earlier version stored in plain text are read, and are sealed once', async () => {
  const flow = newFlow();
  const digest = await storePlain(flow);
  const documents = await open(key);
  expect(await documents.get(flow, digest)).toBe(text);
  expect(await stored()).toContain('planted-');
  expect(await Promise.all([documents.reseal(), (await open(key)).reseal()])).toContain(1);
  expect(await stored()).not.toContain('planted-');
  expect(await documents.get(flow, digest)).toBe(text);
  expect(await documents.reseal()).toBe(0);
});

test('after a rotation and a start, the older key is not needed for documents any more', async () => {
  const flow = newFlow();
  const digest = await (await open(key)).put(flow, text);
  await expect((await open(onlySecond)).get(flow, digest)).rejects.toMatchObject({
    code: 'seal-invalid',
    message: `document sealed/${flow.jobId}/${digest}: cannot be opened with the installation key: it is sealed with a key that this installation does not have`,
  });
  const documents = await open(rotated);
  expect(await documents.get(flow, digest)).toBe(text);
  expect(await documents.reseal()).toBeGreaterThan(0);
  expect(await (await open(onlySecond)).get(flow, digest)).toBe(text);
  expect(await documents.put(flow, text)).toBe(digest);
});

test('a document that is removed while it is sealed again stays removed', async () => {
  const flow = newFlow();
  await storePlain(flow);
  const documents = await open(rotated);
  await Promise.all([documents.reseal(), documents.remove(flow)]);
  const { state } = await place.manager.streams.info(stream, { subjects_filter: `$O.kflow_documents.M.>` });
  const names = Object.keys(state.subjects ?? {}).map((subject) =>
    Buffer.from(subject.split('.').at(-1) ?? '', 'base64url').toString(),
  );
  expect(names.filter((name) => name.includes(`/${flow.jobId}/`))).toEqual([]);
});

test('a stored document cannot be put in the place of another', async () => {
  const documents = await open(key);
  const [flow, other] = [newFlow(), newFlow()];
  const digest = await documents.put(flow, text);
  const objects = await place.connection.jetstream().views.os('kflow_documents');
  const bytes = await objects.getBlob(`sealed/${flow.jobId}/${digest}`);
  await objects.putBlob({ name: `sealed/${other.jobId}/${digest}` }, bytes ?? new Uint8Array());
  await expect(documents.get(other, digest)).rejects.toMatchObject({ code: 'seal-invalid' });
});
