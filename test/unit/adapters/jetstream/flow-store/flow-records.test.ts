import { FlowRecords } from '../../../../../runtime/adapters/jetstream/flow-store/flow-records';
import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import { MemoryJetStream } from '../../../../support/memory-jetstream';

const bucket = 'kflow_flows';

function recordOf(jobId: string, runId = '1'): FlowRecord {
  return { namespace: 'ns', jobId, revisions: [], epochs: {}, runId, startTime: '2026-01-01T00:00:00.000Z' };
}

let server: MemoryJetStream;
let records: FlowRecords;

beforeEach(async () => {
  server = new MemoryJetStream();
  records = await FlowRecords.open(server.connection, 1);
});

test('reads only records that were saved since the last call', async () => {
  for (const jobId of ['b', 'a']) await records.save(recordOf(jobId));
  expect(await records.all()).toEqual([recordOf('a'), recordOf('b')]);
  await records.save(recordOf('b', '2'));
  expect(await records.all('ns')).toEqual([recordOf('a'), recordOf('b', '2')]);
  expect(await records.all('other')).toEqual([]);
  expect(server.read).toBe(3);
});

test('returns what was saved before the call when another call is reading', async () => {
  await records.save(recordOf('a'));
  const reading = records.all();
  await records.save(recordOf('b'));
  const [, second] = await Promise.all([reading, records.all()]);
  expect(second).toEqual([recordOf('a'), recordOf('b')]);
});

test('forgets deleted records', async () => {
  for (const jobId of ['a', 'b']) await records.save(recordOf(jobId));
  await records.all();
  const values = await server.connection.jetstream().views.kv(bucket);
  await values.delete('ns.a');
  expect(await records.all()).toEqual([recordOf('b')]);
});

test('forgets the records of a bucket that was recreated, and reads the new ones', async () => {
  for (const jobId of ['a', 'b']) await records.save(recordOf(jobId));
  await records.all();
  server.recreate(`KV_${bucket}`);
  await records.save(recordOf('c'));
  expect(await records.all()).toEqual([recordOf('c')]);
});
