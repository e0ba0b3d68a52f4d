import type { Topology } from '../../../../lib/topology/document/topology';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { checkUpdate } from '../../../../lib/topology/update/check-update';
import { summarizeUpdate } from '../../../../lib/topology/update/summarize-update';
import { readText } from '../topology-fixtures';

const schema = '{ type: record, name: r, fields: [{ name: n, type: int }, { name: k, type: string }] }';
const code = 'name: f, code: "def f(ctx, e): return e"';

const parts = {
  head: 'jobId: job\nmode: stream\nglobalConfig: { store: { addr: "s3:9000", user: minio, password: hunter2 } }',
  source: `id: source, type: fs-source, format: list, topics: "s3a://inbox", out: [p1]`,
  p1: `id: p1, type: raw, schema: ${schema}, out: [p2, sink]`,
  meta: code,
  p2: `id: p2, type: raw, groupId: second, out: [sink], sideOuts: [{ id: odd, schema: ${schema}, out: [sink] }]`,
  sink: 'id: sink, type: s3-sink, topics: "s3a://outbox"',
};

function topologyOf(changed: Partial<typeof parts> = {}): Topology {
  const { head, source, p1, meta, p2, sink } = { ...parts, ...changed };
  const text = `${head}\ndag:\n- { ${source} }\n- { ${p1}, meta: { ${meta} } }\n- { ${p2} }\n- { ${sink} }\n`;
  const { topology, problems } = readText(text);
  if (topology === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return topology;
}

const from = topologyOf();
const differencesTo = (changed: Partial<typeof parts>) =>
  checkUpdate(from, topologyOf(changed)).map(({ path, message }) => `${path}: ${message}`);

const undo = 'an update cannot change this: revert it, or delete the flow and submit this document again';
const allow = '"p1" does not allow updates; add "update: true" to its meta';

describe('an update is accepted', () => {
  test.each<[string, Partial<typeof parts>]>([
    ['if it changes nothing', {}],
    ['if it writes out defaults', { meta: `${code}, concurrency: 1, max: { poll: { interval: { ms: 120000 } } }` }],
    ['if it lists readers in another order', { p1: parts.p1.replace('[p2, sink]', '[sink, p2]') }],
    ['if it writes out inherited values', { sink: `${parts.sink}, addr: "s3:9000", user: minio, password: hunter2` }],
    [
      'if it changes only settings that control the update',
      { meta: `${code}, restart: true, updatePolicy: KeepOffset` },
    ],
    [
      'if it changes only updatable fields, in functions that allow updates',
      {
        p1: `${parts.p1}, image: "kflow:2", imagePullPolicy: Always, parallelism: 3`,
        meta: `name: g, code: "def g(ctx, e): return e", update: true, pause: true, threshold: 3`,
        sink: `${parts.sink.replace('outbox', 'outbox2')}, addr: "other:9000", user: me, password: swordfish, meta: { update: true }`,
      },
    ],
  ])('%s', (_, changed) => {
    expect(differencesTo(changed)).toEqual([]);
  });

  test('if it lists functions in another order', () => {
    const to = { ...from, dag: [...from.dag].reverse() };
    expect(checkUpdate(from, to)).toEqual([]);
  });
});

describe('an update is rejected', () => {
  test.each<[string, Partial<typeof parts>, string[]]>([
    [
      'if it changes the mode',
      { head: parts.head.replace('stream', 'batch') },
      [`mode: was "stream", is "batch"; ${undo}`],
    ],
    [
      'if it changes the job id',
      { head: parts.head.replace('job\n', 'job2\n') },
      [`jobId: was "job", is "job2"; ${undo}`],
    ],
    [
      'if it changes a schema; the message names the field',
      { p1: parts.p1.replace('type: int', 'type: long') },
      [`dag.p1.schema: fields[0].type was "int", is "long"; ${undo}`],
    ],
    [
      'if it changes the readers of a function, even one that allows updates',
      { p1: parts.p1.replace('[p2, sink]', '[p2]'), meta: `${code}, update: true` },
      [`dag.p1.out: was [p2, sink], is [p2]; ${undo}`],
    ],
    [
      'if it adds a side output or changes the schema of one',
      {
        p2: parts.p2
          .replace('k, type: string', 'k, type: bytes')
          .replace('sink] }]', `sink] }, { id: b, schema: ${schema} }]`),
      },
      [
        `dag.p2.sideOuts.odd.schema: fields[1].type was "string", is "bytes"; ${undo}`,
        `dag.p2.sideOuts.b: was nothing, is a map; ${undo}`,
      ],
    ],
    [
      'if it changes a consumer group',
      { p2: parts.p2.replace('second', 'third') },
      [`dag.p2.groupId: was "second", is "third"; ${undo}`],
    ],
    [
      'if it changes settings of the flow; each is reported once, without secrets',
      { head: parts.head.replace('hunter2', 'swordfish').replace('store', 'stream: { maxMsgs: 10 }, store') },
      [`globalConfig.store.password: differs; ${undo}`, `globalConfig.stream.maxMsgs: was 100000, is 10; ${undo}`],
    ],
    [
      'if it changes globalConfig of a function',
      { p2: `${parts.p2}, globalConfig: { stream: { maxBytes: 5 } }` },
      [`dag.p2.globalConfig.stream.maxBytes: was 1073741824, is 5; ${undo}`],
    ],
  ])('%s', (_, changed, expected) => {
    expect(differencesTo(changed)).toEqual(expected);
  });

  test('if it adds or removes functions', () => {
    expect(differencesTo({ p2: parts.p2.replace('p2', 'p3'), p1: parts.p1.replace('p2', 'p3') })).toEqual([
      `dag.p2: the running flow has this function and the document does not; ${undo}`,
      `dag.p1.out: was [p2, sink], is [p3, sink]; ${undo}`,
      `dag.p3: the running flow does not have this function; ${undo}`,
    ]);
  });

  test('if it changes updatable fields of a function that does not allow updates', () => {
    const p1 = `${parts.p1}, image: "kflow:2", parallelism: 3`;
    const env = 'container: { env: [{ name: LEVEL, value: debug }] }';
    const meta = `${code.replace('return e', 'return [e]')}, threshold: 3, apiKey: k1, tokens: { credentials: { a: b } }, pause: true, ${env}`;
    expect(differencesTo({ p1, meta })).toEqual([
      `dag.p1.parallelism: was 1, is 3; ${allow}`,
      `dag.p1.image: was nothing, is "kflow:2"; ${allow}`,
      `dag.p1.meta.code: was "def f(ctx, e): return e", is "def f(ctx, e): return [e]"; ${allow}`,
      `dag.p1.meta.container.env: was an empty list, is a list; ${allow}`,
      `dag.p1.meta.threshold: was nothing, is 3; ${allow}`,
      `dag.p1.meta.apiKey: was nothing, is a hidden value; ${allow}`,
      `dag.p1.meta.tokens: was nothing, is a map; ${allow}`,
      `dag.p1.meta.pause: was false, is true; ${allow}`,
    ]);
  });

  test('with the path of each difference in the new document', () => {
    const [difference] = checkUpdate(from, topologyOf({ p2: parts.p2.replace('second', 'third') }));
    expect(difference?.place).toEqual(['dag', 2, 'groupId']);
  });
});

describe('the summary of an update', () => {
  const summaryOf = (changed: Partial<typeof parts>, before: Partial<typeof parts> = {}) => {
    const { kept, ...others } = summarizeUpdate(topologyOf(before), topologyOf(changed));
    const affected = Object.entries(others).filter(([, ids]) => ids.length > 0);
    return { ...Object.fromEntries(affected), kept };
  };
  const batch = parts.head.replace('stream', 'batch');
  const [update, others] = [`${code}, update: true`, ['source', 'p2', 'sink']];
  const all = ['source', 'p1', 'p2', 'sink'];
  const keyed = { source: `${parts.source}, partitionBy: key` };

  test.each<[string, Partial<typeof parts>, Partial<typeof parts>, object]>([
    ['keeps every function if nothing changes', {}, {}, { kept: all }],
    [
      'keeps the running replicas of a function that changes in stream mode',
      { meta: `${update}, threshold: 3` },
      {},
      { updated: ['p1'], changed: ['p1'], kept: all },
    ],
    [
      'restarts the replicas of a changed function with restart: true',
      { meta: `${update}, threshold: 3, restart: true` },
      {},
      { updated: ['p1'], changed: ['p1'], restarted: ['p1'], kept: others },
    ],
    [
      'scales a function without a restart',
      { p1: `${parts.p1}, parallelism: 3`, meta: update },
      {},
      { updated: ['p1'], scaled: ['p1'], kept: all },
    ],
    [
      'restarts a function that it scales if its records have keys, because each replica has its partitions',
      { ...keyed, p1: `${parts.p1}, parallelism: 3`, meta: update },
      keyed,
      { updated: ['p1'], scaled: ['p1'], restarted: ['p1'], kept: others },
    ],
    [
      'halts a source before it scales, because its replicas divide the work by their number',
      { source: `${parts.source}, parallelism: 2, meta: { update: true }` },
      {},
      { updated: ['source'], scaled: ['source'], halted: ['source'], kept: all },
    ],
    [
      'halts and restarts a Job to scale it',
      { head: batch, p1: `${parts.p1}, parallelism: 3`, meta: update },
      { head: batch },
      { updated: ['p1'], scaled: ['p1'], restarted: ['p1'], halted: ['p1'], kept: others },
    ],
    ['pauses a function', { meta: `${update}, pause: true` }, {}, { updated: ['p1'], paused: ['p1'], kept: all }],
    [
      'resumes a function',
      { meta: update },
      { meta: `${update}, pause: true` },
      { updated: ['p1'], resumed: ['p1'], kept: all },
    ],
    [
      'drops the offsets of a function with updatePolicy: DropOffset',
      { head: batch, meta: `${update}, updatePolicy: DropOffset` },
      { head: batch },
      { updated: ['p1'], dropped: ['p1'], kept: all },
    ],
    [
      'drops no offsets of a source, which has no input',
      { head: batch, source: `${parts.source}, meta: { update: true, updatePolicy: DropOffset, rate: 5 }` },
      { head: batch },
      { updated: ['source'], changed: ['source'], restarted: ['source'], kept: ['p1', 'p2', 'sink'] },
    ],
    [
      'does not drop offsets again if the function itself does not change',
      {
        head: batch,
        meta: `${update}, updatePolicy: DropOffset`,
        sink: `${parts.sink.replace('outbox', 'outbox2')}, meta: { update: true }`,
      },
      { head: batch, meta: `${update}, updatePolicy: DropOffset` },
      { updated: ['sink'], changed: ['sink'], restarted: ['sink'], kept: ['source', 'p1', 'p2'] },
    ],
  ])('%s', (_, changed, before, expected) => {
    expect(summaryOf(changed, before)).toEqual(expected);
  });
});

test('keys of meta with the names of document fields are compared like any other key', () => {
  const before = topologyOf({ meta: `${code}, schema: { version: 1 }, out: here` });
  const after = topologyOf({ meta: `${code}, schema: { version: 2 }, out: there` });
  expect(checkUpdate(before, after).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    `dag.p1.meta.schema.version: was 1, is 2; ${allow}`,
    `dag.p1.meta.out: was "here", is "there"; ${allow}`,
  ]);
});
