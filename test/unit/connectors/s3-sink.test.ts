import { connector } from '../../../runtime/connectors/s3-sink';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { noBulks } from '../../contract/connector-suite/sink-fixtures';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { planOf, specOf, written } from '../plan/planned';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const created = new Date('2026-11-22T19:40:22.123Z');
const spec = specOf(
  planOf(`
jobId: sink
dag:
  - { id: source, type: raw-source, schema: '${schema}', ${code}, out: [sink] }
  - { id: sink, type: s3-sink, topics: "s3a://bucket/results", ${written} }
`),
  'sink',
);

/** Writes one record, and returns the keys and texts of the bucket. */
async function write(value: unknown, topics: string): Promise<readonly [string, string][]> {
  const store = new MemoryObjectStore();
  await store.ensureBucket('bucket');
  const endpoint = { store, topics };
  const sink = await connector.open({ spec, endpoint, inputsCreated: [created], ...noBulks, log: () => undefined });
  const record = { value, schema: new AvroSchemaCodec(schema), json: () => JSON.stringify(value) };
  expect(await sink.write([{ ...record, origin: { input: 0, sequence: 42 } }])).toEqual([{ is: 'stored' }]);
  const written: [string, string][] = [];
  for await (const { key } of store.list('bucket')) {
    written.push([key, Buffer.from(await store.get('bucket', key)).toString()]);
  }
  return written;
}

test.each([
  ['s3a://bucket', 'source-20261122T194022123Z-000000000042.json'],
  ['s3a://bucket/results', 'results/source-20261122T194022123Z-000000000042.json'],
  ['s3a://bucket/results/', 'results/source-20261122T194022123Z-000000000042.json'],
])('writes to %s under a key of the input, the creation time of its stream and the sequence', async (topics, key) => {
  expect(await write({ n: 1 }, topics)).toEqual([[key, '{"n":1}\n']]);
});
