import type { TestDocument } from '../../../lib/topology/document/test-case-schema';
import type { Topology } from '../../../lib/topology/document/topology';
import { readTopology } from '../../../lib/topology/read-topology';
import { planTest } from '../../../runtime/testing/plan-test';
import { runPlan, type TestRun } from '../../../runtime/testing/run-plan';
import { planInMemory } from '../../../runtime/testing/tested-functions';
import { type Discrepancy, findDiscrepancies } from '../../../runtime/testing/verdict';
import { pythonCode, type TestedCode, typeScriptCode } from './functions';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';

interface Parts {
  /** More keys of the `meta` of `map`. */
  readonly meta?: string;
  /** The code of the source. */
  readonly source?: string;
}

/** A source, a function `map` with the code, a function `next` that passes on, and a sink. */
function topologyOf({ language }: TestedCode, code: string, { meta = '', source = code }: Parts) {
  const yaml = `
jobId: tested
dag:
  - id: in
    type: raw-source
    schema: '${schema}'
    meta: { language: ${language}, name: run, code: ${JSON.stringify(source)} }
    out: [map]
  - id: map
    type: raw
    schema: '${schema}'
    meta: { language: ${language}, name: run, code: ${JSON.stringify(code)}, maxDeliver: 2${meta} }
    out: [next]
    sideOuts: [{ id: odd, schema: '${schema}', out: [odds] }]
  - { id: next, type: raw, out: [store] }
  - { id: store, type: s3-sink, addr: 'minio:9000', user: u, password: p, topics: 's3a://numbers' }
  - { id: odds, type: raw }
`;
  return topologyFrom(yaml);
}

function topologyFrom(yaml: string) {
  const { topology, problems } = readTopology(yaml, { file: 'tested.yaml', defaultJobId: 'tested' });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  return topology;
}

/** The same, with a key for each record. */
function keyedTopologyOf({ language }: TestedCode, code: string) {
  const keyed = schema.replace(']', ', {"name": "k", "type": "string"}]');
  return topologyFrom(`
jobId: tested
dag:
  - { id: in, type: raw-source, schema: '${keyed}', partitionBy: k, meta: { name: run, code: "def run(): return None" }, out: [map] }
  - id: map
    type: raw
    meta: { language: ${language}, name: run, code: ${JSON.stringify(code)}, maxDeliver: 9 }
    out: [store]
  - { id: store, type: s3-sink, addr: 'minio:9000', user: u, password: p, topics: 's3a://numbers' }
`);
}

async function run(
  code: TestedCode,
  text: string,
  { meta, source, ...test }: Partial<TestDocument> & Parts,
): Promise<{ readonly run: TestRun; readonly discrepancies: readonly Discrepancy[] }> {
  return runIn(topologyOf(code, text, { meta, source }), test);
}

async function runIn(topology: Topology, test: Partial<TestDocument>) {
  const place = { topology, flow: planInMemory(topology), baseDir: __dirname, folder: __dirname };
  const planned = planTest({ name: 'a test', function: 'map', ...test }, place);
  if ('faults' in planned) throw new Error(JSON.stringify(planned.faults));
  const result = await runPlan(planned.plan);
  return { run: result, discrepancies: findDiscrepancies(planned.expected, result) };
}

const n = (...numbers: readonly number[]) => numbers.map((value) => ({ n: value }));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe.each([pythonCode, typeScriptCode])('a test of functions in $language', (code) => {
  it('gives what the function returns, and what it sends aside', async () => {
    const { run: result, discrepancies } = await run(code, code.sorts, {
      input: n(1, 2, 3, 4),
      output: { map: n(2, 4), 'map.odd': n(1, 3) },
    });
    expect(discrepancies).toEqual([]);
    expect(result.logs.filter(({ level }) => level === 'ERROR')).toEqual([]);
  });

  it('tells what differs from what is expected', async () => {
    const { discrepancies } = await run(code, code.doubles, {
      input: n(1, 2),
      output: n(2, 5),
      letters: [{ type: 'x' }],
    });
    expect(discrepancies).toMatchObject([
      {
        is: 'output',
        edge: 'map',
        comparison: { pairs: [{ isSame: true }, { expected: { n: 5 }, observed: { n: 4 }, isSame: false }] },
      },
      { is: 'letters', comparison: { pairs: [{ expected: { type: 'x' }, isSame: false }] } },
    ]);
  });

  it('retries a record that fails, gives it up as a letter, and counts its attempts', async () => {
    const { run: result, discrepancies } = await run(code, code.failsOnTwo, {
      input: n(1, 2, 3),
      output: n(1, 3),
      letters: [{ type: code.errorType, message: 'not 2', reason: 'exception', record: { n: 2 }, attempts: 2 }],
      errors: [{ type: code.errorType, message: { $matches: '^not' }, record: { n: 2 }, attempts: 2 }],
    });
    expect(discrepancies).toEqual([]);
    expect(result.letters[0]?.trace).toContain('not 2');
  });

  it('reports a failed attempt that the test does not mention', async () => {
    const { discrepancies } = await run(code, code.failsOnTwo, { input: n(2), output: [] });
    expect(discrepancies.map(({ is }) => is)).toEqual(['letters']);
  });

  const moments = ['crash at start', 'crash at output', 'crash', 'pause'];
  it.each(moments)('gives each output once when the replica ends in the middle: %s', async (line) => {
    const input = range(0, 40).flatMap((value) =>
      value === 17 || value === 30 ? [{ n: value }, line] : [{ n: value }],
    );
    const { discrepancies } = await run(code, code.splits, {
      input,
      output: range(0, 40).flatMap((value) => n(value, value + 100)),
    });
    expect(discrepancies).toEqual([]);
  });

  it('ends a replica of several at each line', async () => {
    const lines = ['crash', 'pause', 'crash at output', 'crash at start'];
    const input = range(0, 40).flatMap((value) => [
      { n: value },
      ...(value % 10 === 9 ? [lines[(value - 9) / 10]] : []),
    ]);
    const { discrepancies } = await run(code, code.doubles, {
      input,
      replicas: 3,
      output: n(...range(0, 40).map((value) => value * 2)),
    });
    expect(discrepancies).toEqual([]);
  });

  it('gives a record that fails to the letters once, with the replica killed before the ack of its letter', async () => {
    const { discrepancies } = await run(code, code.failsOnTwo, {
      input: [...n(1, 2), 'crash', ...n(3)],
      output: n(1, 3),
      letters: [{ record: { n: 2 }, attempts: 2 }],
    });
    expect(discrepancies).toEqual([]);
  });

  it('ends replicas down the chain when they get what stems from the record before', async () => {
    const { run: result, discrepancies } = await run(code, code.splits, {
      function: 'in',
      to: 'store',
      input: ['crash', ...n(1), 'crash next', ...n(2), 'pause store', 'crash store', ...n(3)],
      output: n(1, 101, 2, 102, 3, 103),
    });
    expect(discrepancies).toEqual([]);
    expect([...result.reads].sort()).toEqual([
      'map<kflow_default_tested_in',
      'next<kflow_default_tested_map',
      'store<kflow_default_tested_next',
    ]);
  });

  it('gives the aggregate at the end, in parts where a pause comes between', async () => {
    const whole = await run(code, code.totals, { input: n(1, 2, 3), output: n(6) });
    expect(whole.discrepancies).toEqual([]);
    const parts = await run(code, code.totals, { input: [...n(1, 2), 'pause', ...n(3)] });
    const sums = (parts.run.outputs.get('map') ?? []) as { n: number }[];
    expect(sums.reduce((sum, each) => sum + each.n, 0)).toBe(6);
    expect(sums.length).toBe(2);
  });

  it('fails when a crash loses a state, and says so', async () => {
    const { discrepancies } = await run(code, code.totals, { input: [...n(1, 2), 'crash', ...n(3)], output: n(6) });
    expect(discrepancies[0]).toMatchObject({
      is: 'unfinished',
      message: expect.stringContaining('ended before its aggregate'),
    });
  });

  it.each(moments)('has each record in one group that is acked together: %s', async (line) => {
    const input = range(1, 12).flatMap((value) => (value === 6 ? [{ n: value }, line] : [{ n: value }]));
    const { run: result, discrepancies } = await run(code, code.groups, { input, meta: ', ack: manual', errors: [] });
    expect(discrepancies).toEqual([]);
    const sums = (result.outputs.get('map') ?? []) as { n: number }[];
    expect(sums.reduce((sum, each) => sum + each.n, 0)).toBe(66);
  });

  it('gives up the record that ends the process of the code, and no other', async () => {
    const { discrepancies } = await run(code, code.exitsOnTwo, {
      input: n(1, 2, 3),
      output: n(1, 3),
      letters: [{ reason: 'exited', record: { n: 2 }, attempts: 2 }],
    });
    expect(discrepancies).toEqual([]);
  });

  it('keeps the order of each key, whatever fails and whichever replica ends', async () => {
    const records = range(0, 60).map((value) => ({ n: value, k: `k${value % 4}` }));
    const lines: Readonly<Record<number, string>> = {
      12: 'crash',
      30: 'crash at start',
      33: 'pause',
      45: 'crash store',
    };
    const { discrepancies } = await runIn(keyedTopologyOf(code, code.failsOnce), {
      function: 'in',
      to: '*',
      input: records.flatMap((record) => [record, ...(lines[record.n] === undefined ? [] : [lines[record.n]])]),
      replicas: 3,
      output: { map: records, store: records },
      inOrder: 'k',
    });
    expect(discrepancies.filter(({ is }) => is !== 'errors')).toEqual([]);
  });

  it('runs a source with code, as far as the test takes records', async () => {
    const counted = { source: code.counts, function: 'in', records: 5 };
    const alone = await run(code, code.doubles, { ...counted, output: n(0, 1, 2, 3, 4), inOrder: true });
    expect(alone.discrepancies).toEqual([]);
    const chain = await run(code, code.doubles, { ...counted, to: 'next', output: n(0, 2, 4, 6, 8) });
    expect(chain.discrepancies).toEqual([]);
  });

  it('runs a source to its end, and gives a record that does not fit to the letters', async () => {
    const { discrepancies } = await run(code, code.doubles, {
      source: code.lists,
      function: 'in',
      to: '*',
      output: { in: n(1, 3), store: n(2, 6) },
      letters: [{ function: 'in', message: { $matches: 'n: expected long' }, record: { n: 'x' } }],
    });
    expect(discrepancies).toEqual([]);
  });

  it('says what is not processed when the time is over', async () => {
    const { discrepancies } = await run(code, code.hangs, { input: n(1, 2), output: [], timeout: 3 });
    expect(discrepancies).toEqual([
      {
        is: 'unfinished',
        message: 'timed out after 3 s: map has 2 unprocessed records; raise the limit with timeout',
      },
    ]);
  });

  it('sets the environment of the functions', async () => {
    const { discrepancies } = await run(code, code.readsEnv, { input: n(1), env: { STEP: '7' }, output: n(7) });
    expect(discrepancies).toEqual([]);
  });

  it('says which code does not load', async () => {
    const { discrepancies } = await run(code, 'def run(', { input: n(1), output: [] });
    expect(discrepancies[0]).toMatchObject({ is: 'unfinished', message: expect.stringMatching(/^map/) });
  });

  it('reports a line that ends no replica', async () => {
    const { discrepancies } = await run(code, code.totals, {
      to: 'next',
      input: [...n(1), 'crash next', ...n(2)],
      output: { next: n(3) },
    });
    expect(discrepancies).toEqual([{ is: 'unreached', path: 'input[1]' }]);
  });
});
