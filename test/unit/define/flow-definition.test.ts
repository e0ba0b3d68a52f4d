import { readFileSync } from 'node:fs';
import path from 'node:path';
import { avro } from '../../../lib/define/avro';
import { defineFlow } from '../../../lib/define/flow-definition';
import { fromModule, python, pythonFile } from '../../../lib/define/function-code';
import { languages } from '../../../lib/topology/document/language';

const n = avro.record('n', { n: avro.long });
const late = avro.record('late', { at: avro.long });

test('every field of the document can be set, and is written in the usual order', () => {
  const flow = defineFlow({
    runtime: 'flow',
    stream: { maxMsgs: 10, onDelete: 'delete' },
    metrics: { enabled: true, port: 9003 },
    store: { addr: 's3:9000', secret: 's3-reader' },
    sideStream: { enabled: true, addr: 'nats://n:4222', errorTopics: 'errors.all' },
    devStore: { enabled: true, topics: 'dev' },
    image: 'python:1',
    imagePullPolicy: 'Always',
    mode: 'batch',
    parallelism: 2,
    namespace: 'demo',
    jobId: 'whole',
  });
  const source = flow.rawSource('source', {
    meta: { rate: 5, own: [1], 'nats.js.options': { timeout: 2 } },
    writes: n,
    sideOuts: { late },
    addr: 'a:1',
    topics: 't',
    partitionBy: 'n',
  });
  flow.natsSink('sink', {
    from: source,
    reads: n,
    parallelism: 3,
    groupId: 'g',
    password: 'p',
    user: 'u',
    topics: 'numbers',
    addr: 'nats:4222',
    imagePullPolicy: 'Never',
    image: 'sink:1',
    globalConfig: { stream: { replicas: 3 } },
  });
  const document = {
    runtime: 'flow',
    jobId: 'whole',
    namespace: 'demo',
    mode: 'batch',
    parallelism: 2,
    globalConfig: {
      stream: { maxMsgs: 10, onDelete: 'delete' },
      metrics: { enabled: true, port: 9003 },
      store: { addr: 's3:9000', secret: 's3-reader' },
      sideStream: { enabled: true, addr: 'nats://n:4222', errorTopics: 'errors.all' },
      devStore: { enabled: true, topics: 'dev' },
      image: 'python:1',
      imagePullPolicy: 'Always',
    },
    dag: [
      {
        id: 'source',
        type: 'raw-source',
        addr: 'a:1',
        topics: 't',
        partitionBy: 'n',
        schema: n.schema,
        meta: { rate: 5, own: [1], 'nats.js.options': { timeout: 2 } },
        sideOuts: [{ id: 'late', schema: late.schema }],
        out: ['sink'],
      },
      {
        id: 'sink',
        type: 'nats-sink',
        addr: 'nats:4222',
        topics: 'numbers',
        user: 'u',
        password: 'p',
        image: 'sink:1',
        imagePullPolicy: 'Never',
        parallelism: 3,
        groupId: 'g',
        globalConfig: { stream: { replicas: 3 } },
        schema: n.schema,
      },
    ],
  };
  expect(JSON.stringify(flow.document(), undefined, 1)).toBe(JSON.stringify(document, undefined, 1));
});

test('outputs list their readers in the order of declaration, with fan-out and fan-in', () => {
  const flow = defineFlow({ jobId: 'edges' });
  const one = flow.rawSource('one', { writes: n });
  const two = flow.rawSource('two', { writes: n });
  const both = flow.process('both', { from: [two, one], reads: n, sideOuts: { late } });
  flow.s3Sink('files', { from: [both, one], topics: 's3a://files' });
  flow.process('alone', { from: one });
  flow.elasticSink('index', { from: both.side.late });
  expect(flow.document().dag.map(({ id, out, sideOuts }) => [id, out, sideOuts?.[0]?.out])).toEqual([
    ['one', ['both', 'files', 'alone'], undefined],
    ['two', ['both'], undefined],
    ['both', ['files'], ['index']],
    ['files', undefined, undefined],
    ['alone', undefined, undefined],
    ['index', undefined, undefined],
  ]);
});

test('the output of a pass-through process has the types of all its inputs', () => {
  const flow = defineFlow({ jobId: 'passed-on' });
  const text = avro.record('text', { n: avro.string });
  const mixed = [flow.rawSource('one', { writes: n }), flow.rawSource('two', { writes: text })];
  const both = flow.process('both', { from: mixed });
  // @ts-expect-error n may be a string
  flow.process('numbers', { from: both, reads: n });
  expect(() => flow.document()).toThrow('numbers: cannot read what "both" writes: n: the writer has string');
});

test('code may be inline, Python text, a Python file or a module', () => {
  const directory = path.join(__dirname, '../../../examples/message-store');
  const flow = defineFlow({ jobId: 'code', directory });
  const text = `
    def process(ctx, event):
        if event:

            return event
    `;
  const from = flow.rawSource('source', { writes: n, run: python('generate', text) });
  flow.process('a', { from, run: pythonFile('print0.py', 'process'), meta: { concurrency: 2 } });
  flow.process('b', { from, run: fromModule('./flow.ts', 'map') });
  flow.process('c', { from, run: fromModule('/app/c.mjs', 'map') });
  flow.process('d', { from, run: fromModule('/app/d.py', 'map') });
  flow.process('e', { from, run: (_ctx, event) => event });
  expect(flow.document().dag.map(({ meta }) => meta)).toEqual([
    { name: 'generate', code: 'def process(ctx, event):\n    if event:\n\n        return event\n' },
    { concurrency: 2, name: 'process', code: readFileSync(path.join(directory, 'print0.py'), 'utf8') },
    { language: 'typescript', name: 'map', module: './flow.ts' },
    { language: 'javascript', name: 'map', module: '/app/c.mjs' },
    { name: 'map', module: '/app/d.py' },
    { language: 'javascript', name: 'run', code: '"use strict";\nconst run = (_ctx, event) => event;\n' },
  ]);
});

test('reports values that JSON cannot represent and missing modules, by function', () => {
  const flow = defineFlow({ jobId: 'wrong', directory: __dirname });
  const from = flow.rawSource('source', { writes: n, run: fromModule('./none.ts', 'make') });
  const cycle: { self?: object } = {};
  cycle.self = cycle;
  const meta = { big: 10n, at: new Date(0), deep: { list: [1, undefined, Number.NaN] }, cycle, open: undefined };
  flow.process('map', { from, meta, run: (_ctx, event) => event });
  expect(() => flow.document()).toThrow(
    [
      `source: there is no module "./none.ts" in ${__dirname}`,
      'map: meta.big is a bigint, which JSON cannot represent; use plain values',
      'map: meta.at is a Date, which JSON cannot represent; use plain values',
      'map: meta.deep.list[1] is undefined, which JSON cannot represent; use plain values',
      'map: meta.deep.list[2] is NaN, which JSON cannot represent; use plain values',
      'map: meta.cycle.self is a part of itself, which JSON cannot represent; use plain values',
    ].join('\n'),
  );
});

test('reports every fault of the code at once, by function', () => {
  const flow = defineFlow({ jobId: 'wrong' });
  const outside = 3;
  const from = flow.rawSource('source', { writes: n, run: () => ({ n: outside }) });
  flow.process('a', { from, run: pythonFile('a.py', 'process') });
  flow.process('b', { from, run: pythonFile('/nowhere/b.py', 'process') });
  flow.process('c', { from, run: fromModule('./c.xyz', 'process') });
  flow.process('d', { from, run: ((event: unknown) => event).bind(undefined) as () => undefined });
  const union = { type: 'record', name: 'r', fields: [{ name: 'n', type: ['long', 'long'] }] };
  flow.process('e', { from, reads: avro.schema(union) });
  const extensions = Object.values(languages).map((language) => language.extensions[0]);
  expect(() => flow.document()).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      code: 'config-invalid',
      message: [
        'source: the function uses outer variables: outside (line 2); only its text becomes part of the document; pass values in ' +
          "meta (ctx.meta), or put the function into a module: fromModule('./map.ts', 'process')",
        'a: the path "a.py" is relative, but the flow has no directory; use defineFlow({ directory: __dirname, … })',
        "b: the code cannot be read: ENOENT: no such file or directory, open '/nowhere/b.py'",
        `c: the module "./c.xyz" has no known extension; use one of ${extensions.join(', ')}`,
        'd: the function is bound or native and has no source text; pass the function itself, or put the function into a module: ' +
          "fromModule('./map.ts', 'process')",
        'e: the type it reads: n: the union contains long twice',
      ].join('\n'),
    }),
  );
});

test('rejects an edge between two flows', () => {
  const one = defineFlow({ jobId: 'one' });
  const other = defineFlow({ jobId: 'other' });
  const from = one.rawSource('source', { writes: n });
  expect(() => other.s3Sink('sink', { from })).toThrow(
    'sink: "source" belongs to another flow; read outputs of the same flow',
  );
});

test('a schema with a default beyond 2^53 is written as text, with all digits', () => {
  const flow = defineFlow({ jobId: 'digits' });
  flow.rawSource('source', { writes: avro.record('r', { n: avro.withDefault(avro.bigLong, -(2n ** 63n)) }) });
  expect(flow.document().dag[0]?.schema).toBe(
    '{"type":"record","name":"r","fields":[{"name":"n","type":"long","default":-9223372036854775808}]}',
  );
});
