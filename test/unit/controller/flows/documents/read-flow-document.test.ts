import { formatProblem, TopologyError } from '../../../../../lib/topology/problem/problem';
import { checkUpdate } from '../../../../../lib/topology/update/check-update';
import {
  maxDocumentBytes,
  readFlowDocument,
  readFlowNames,
  updateProblems,
} from '../../../../../runtime/controller/flows/documents/read-flow-document';

const flow = { namespace: 'team', jobId: 'job' };
const source = '{ id: list, type: fs-source, format: list, addr: "s3:1", topics: "s3a://inbox", out: [map] }';

function documentOf({ head = '', meta = 'name: f, code: "def f(ctx, e): return e"', more = '' } = {}) {
  return `${head}dag:\n- ${source}\n- { id: map, type: raw, ${more} meta: { ${meta} } }\n`;
}

function refusal(text: string): TopologyError {
  try {
    readFlowDocument(text, flow);
  } catch (error) {
    if (error instanceof TopologyError) return error;
    throw error;
  }
  throw new Error('the document was accepted');
}

test.each([
  ['nothing', ''],
  ['nothing, with the keys written', 'namespace:\njobId:\n'],
  ['the same', 'namespace: team\njobId: job\n'],
])('a document with %s as its names is accepted for the flow of the request', (_, head) => {
  expect(readFlowDocument(documentOf({ head }), flow)).toMatchObject(flow);
});

test('reads a document in JSON', () => {
  const dag = [{ id: 'list', type: 'fs-source', format: 'list', addr: 's3:1', topics: 's3a://inbox', out: ['map'] }];
  const text = JSON.stringify({ dag: [...dag, { id: 'map', type: 'raw', image: 'a:1' }] });
  expect(readFlowDocument(text, flow).dag.map(({ id }) => id)).toEqual(['list', 'map']);
});

test('reports problems of the document, of its names and of its modules at once, each with its place', () => {
  const head = 'namespace: other\njobId: another\n';
  const text = documentOf({ head, meta: 'module: ./map.ts, name: f', more: 'parallelism: 0,' });
  const error = refusal(text);
  expect(error.message.split('\n')).toEqual([
    'document:1:12  namespace  is "other", but the request is for the flow team/job; remove the field, or correct the request',
    'document:2:8  jobId  is "another", but the request is for the flow team/job; remove the field, or correct the request',
    'document:5:38  dag[1].parallelism  must be a positive integer, got 0',
    'document:5:57  dag[1].meta.module  the controller has no file "./map.ts"; submit with kflow, which sends the code, or use the absolute path of a module in the image',
  ]);
  expect(error.code).toBe('setting-invalid');
});

test('an error has the code of the first error in the document', () => {
  expect(refusal(documentOf().replace('out: [map]', 'out: [mapp]')).code).toBe('edge-unknown');
  expect(refusal('dag: [').code).toBe('syntax');
});

test('accepts a module of the image', () => {
  expect(readFlowDocument(documentOf({ meta: 'module: /app/map.js, name: f' }), flow)).toMatchObject(flow);
});

test('reports an invalid name in the request as a problem of the request', () => {
  expect(() => readFlowDocument(documentOf(), { ...flow, jobId: 'My_Job' })).toThrow(
    'request:1:1  jobId  must be lower-case letters, digits and single dashes, with a letter or digit at both ends; got "My_Job"; for example "my-job"',
  );
});

test('rejects a document that is too large before it is parsed', () => {
  expect(() => readFlowDocument('['.repeat(maxDocumentBytes + 1), flow)).toThrow(
    expect.objectContaining({
      code: 'payload-too-large',
      message: 'the document has 16777217 bytes, more than the limit of 16777216; move code into modules of an image',
    }),
  );
});

test.each([
  ['namespace: team\njobId: job\n', flow],
  ['jobId: job\n', { jobId: 'job' }],
  ['namespace:\njobId: 5\n', {}],
])('reads the names in %j', (head, names) => {
  expect(readFlowNames(documentOf({ head }))).toEqual(names);
});

test('reports a refused difference at its place in the new document', () => {
  const text = documentOf({ more: 'groupId: g, parallelism: 2,' });
  const differences = checkUpdate(readFlowDocument(documentOf(), flow), readFlowDocument(text, flow));
  expect(updateProblems(text, differences).map(formatProblem)).toEqual([
    'document:3:25  dag.map.groupId  was nothing, is "g"; an update cannot change this: revert it, or delete the flow and submit this document again',
    'document:3:37  dag.map.parallelism  was 1, is 2; "map" does not allow updates; add "update: true" to its meta',
  ]);
});
