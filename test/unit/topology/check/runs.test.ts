import { defineFlow } from '../../../../lib/define/flow-definition';
import { readTopology } from '../../../../lib/topology/read-topology';
import { planOf, specOf } from '../../plan/planned';

const dag = [
  { id: 'in', type: 'raw-source', schema: { type: 'record', name: 'n', fields: [] }, image: 'i:1', out: ['leaf'] },
  { id: 'leaf', type: 'raw', image: 'i:1' },
];
const documentOf = (fields: object) => JSON.stringify({ jobId: 'j', ...fields, dag });
const errorsOf = (fields: object) =>
  readTopology(documentOf(fields), { file: 'j', defaultJobId: 'j', purpose: 'manifests' })
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ path, message }) => `${path}: ${message}`);

test('a batch may have a run, from 1; a stream has none', () => {
  expect(errorsOf({ mode: 'batch', run: 3 })).toEqual([]);
  expect(errorsOf({ mode: 'batch', run: 0 })).toEqual(['run: must be a positive integer, got 0']);
  const only = 'run: only a batch has runs; remove it, or set "mode: batch"';
  expect([errorsOf({ run: 1 }), errorsOf({ mode: 'stream', run: 1 })]).toEqual([[only], [only]]);
});

test('replicas begin the run of the document only where no controller begins runs', () => {
  const document = documentOf({ mode: 'batch', run: 3 });
  expect(specOf(planOf(document, { beginsRuns: true }), 'leaf').run).toBe(3);
  expect(specOf(planOf(document), 'leaf').run).toBeUndefined();
  expect(specOf(planOf(documentOf({ mode: 'batch' }), { beginsRuns: true }), 'leaf').run).toBeUndefined();
});

test('a typed flow has the run of its options', () => {
  expect(defineFlow({ jobId: 'j', mode: 'batch', run: 3 }).document()).toMatchObject({ mode: 'batch', run: 3 });
});
