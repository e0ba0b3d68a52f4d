import { readTopology } from '../../../../lib/topology/read-topology';
import { planOf, specOf } from '../../plan/planned';

const bulk = { 'bulk.enabled': true, 'bulk.flush.timer': 1_000, 'bulk.flush.size': 500 };
const flow = (format: string, meta: object) =>
  JSON.stringify({
    jobId: 'bulk',
    dag: [
      { id: 'in', type: 'raw-source', schema: { type: 'record', name: 'n', fields: [] }, image: 'i:1', out: ['out'] },
      { id: 'out', type: 's3-sink', topics: 's3a://results', addr: 's3:1', user: 'u', password: 'p', format, meta },
    ],
  });
const errorsOf = (text: string) =>
  readTopology(text, { file: 'j', defaultJobId: 'j', purpose: 'manifests' })
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ path, message }) => `${path}: ${message}`);

test.each(['json', 'avro', 'parquet'])('an s3-sink in bulk mode takes the format %s', (format) => {
  expect(errorsOf(flow(format, bulk))).toEqual([]);
  expect(specOf(planOf(flow(format, bulk)), 'out')).toMatchObject({ format, bulk: { flushSize: 500 } });
});

test('a format of bulks needs bulk mode', () => {
  const message = 'objects are bulks; add meta.bulk.enabled, bulk.flush.timer and bulk.flush.size';
  expect(errorsOf(flow('avro', {}))).toEqual([`dag[1].format: "avro" ${message}`]);
  expect(errorsOf(flow('parquet', { ...bulk, 'bulk.flush.size': 0 }))).toEqual([`dag[1].format: "parquet" ${message}`]);
  expect(errorsOf(flow('json', {}))).toEqual([]);
});

test('a format of another type is an error', () => {
  expect(errorsOf(flow('list', bulk))).toEqual([
    'dag[1].format: must be json or avro or parquet for an s3-sink, got "list"',
  ]);
});
