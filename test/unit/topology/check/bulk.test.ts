import { readTopology } from '../../../../lib/topology/read-topology';
import { planOf, specOf, written } from '../../plan/planned';

const sinkWith = (meta: object, mode = 'stream') =>
  JSON.stringify({
    jobId: 'bulk',
    mode,
    dag: [
      { id: 'in', type: 'raw-source', schema: { type: 'record', name: 'n', fields: [] }, image: 'i:1', out: ['out'] },
      { id: 'out', type: 's3-sink', topics: 's3a://results', addr: 's3:1', user: 'u', password: 'p', meta },
    ],
  });
const problemsOf = (text: string) =>
  readTopology(text, { file: 'j', defaultJobId: 'j', purpose: 'manifests' })
    .problems.filter(({ message }) => !message.includes('password'))
    .map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
const specWith = (meta: object) => specOf(planOf(sinkWith(meta)), 'out');

const bulk = { 'bulk.enabled': true, 'bulk.flush.timer': 1_000, 'bulk.flush.size': 500 };

test('a sink gets its bulk settings, with 5 MiB unless it names other bytes', () => {
  expect(specWith(bulk).bulk).toEqual({ flushTimerMs: 1_000, flushSize: 500, flushBytes: 5 * 1024 * 1024 });
  expect(specWith({ bulk: { enabled: true, flush: { timer: 1, size: 2, bytes: 3 } } }).bulk).toEqual({
    flushTimerMs: 1,
    flushSize: 2,
    flushBytes: 3,
  });
});

test.each([
  [{ 'bulk.flush.timer': 0 }, 'bulk.flush.timer', '; got 0'],
  [{ 'bulk.flush.timer': undefined }, 'bulk.flush.timer', '; it is missing'],
  [{ 'bulk.flush.size': -1 }, 'bulk.flush.size', '; got -1'],
  [{ 'bulk.flush.bytes': 0 }, 'bulk.flush.bytes', '; got 0'],
])('bulk mode is off with %j, and lint says why', (changes, name, why) => {
  const meta = { ...bulk, ...changes };
  const [problem, ...others] = problemsOf(sinkWith(meta));
  expect(problem).toMatch(/^warning dag\[1\]\.meta\.bulk/);
  expect(problem).toContain(`bulk mode is off: it needs ${name} above 0${why}`);
  expect([others, specWith(meta).bulk]).toEqual([[], undefined]);
});

test('bulk mode is off unless it is enabled', () => {
  expect(specWith({ ...bulk, 'bulk.enabled': false }).bulk).toBeUndefined();
  expect(problemsOf(sinkWith({ ...bulk, 'bulk.enabled': false, 'bulk.flush.size': 0 }))).toEqual([]);
});

test('bulks larger than a replica holds are errors', () => {
  expect(problemsOf(sinkWith({ ...bulk, 'bulk.flush.size': 100_001, 'bulk.flush.bytes': 16_777_217 }))).toEqual([
    'error dag[1].meta.bulk.flush.size: must be at most 100000, got 100001',
    'error dag[1].meta.bulk.flush.bytes: must be at most 16777216, got 16777217',
  ]);
});

test('bulk mode has no effect in a function that is no sink', () => {
  const flow = `
jobId: bulk
dag:
  - { id: in, type: fs-source, format: list, topics: "s3a://docs", ${written}, out: [out], meta: { bulk.enabled: true } }
  - { id: out, type: s3-sink, topics: "s3a://results", ${written} }
`;
  expect(problemsOf(flow)).toEqual([
    'warning dag[0].meta.bulk.enabled: bulk mode has no effect: an fs-source is no sink',
  ]);
});

test('a consumer lets its replicas hold two bulks each', () => {
  const [consumer] = planOf(sinkWith({ ...bulk, 'bulk.flush.size': 40_000 })).consumers;
  expect(consumer?.maxAckPending).toBe(80_000);
});
