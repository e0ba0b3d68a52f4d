import { FlowDocuments } from '../../../../../runtime/adapters/jetstream/flow-store/flow-documents';
import type { InstallationKey } from '../../../../../runtime/installation/installation-key';
import { testKey } from '../../../../support/installation';
import { MemoryJetStream } from '../../../../support/memory-jetstream';

const flow = { namespace: 'ns', jobId: 'job' };
const bucket = 'kflow_documents';
const stream = `OBJ_${bucket}`;

const key = testKey();
let server: MemoryJetStream;
let documents: FlowDocuments;

function open(used: InstallationKey): Promise<FlowDocuments> {
  return FlowDocuments.open({ connection: server.connection, replicas: 1, key: used });
}

beforeEach(async () => {
  server = new MemoryJetStream();
  documents = await open(key);
});

test('stores a document again after an interrupted removal, which leaves a deletion marker', async () => {
  const digest = await documents.put(flow, 'text');
  const objects = await server.connection.jetstream().views.os(bucket);
  await objects.delete(`ns/job/${digest}`);
  await documents.put(flow, 'text');
  expect(await documents.get(flow, digest)).toBe('text');
});

test('leaves nothing of a removed document on the server', async () => {
  await documents.put(flow, 'text');
  await documents.remove(flow);
  const manager = await server.connection.jetstreamManager();
  const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
  expect(state.subjects).toEqual({});
});

test('fails rather than return a document with a missing part', async () => {
  const digest = await documents.put(flow, 'x'.repeat(300_000));
  const manager = await server.connection.jetstreamManager();
  await manager.streams.deleteMessage(stream, 2);
  await expect(documents.get(flow, digest)).rejects.toMatchObject({
    code: 'document-missing',
    message: expect.stringContaining(`has no document ${digest}`),
  });
});
