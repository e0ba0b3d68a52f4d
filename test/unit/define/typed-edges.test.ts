import { avro } from '../../../lib/define/avro';
import { s3list } from '../../../lib/define/connector-builders';
import { defineFlow } from '../../../lib/define/flow-definition';
import { fromModule, python } from '../../../lib/define/function-code';

/**
 * Edges that the compiler must reject: `npm run types` fails if the line below an `@ts-expect-error` compiles. If the
 * schemas do not resolve, the document is rejected, too.
 */

const doc = avro.record('doc', {
  key: avro.string,
  n: avro.int,
  kind: avro.enum('kind', ['a', 'b']),
  tag: avro.optional(avro.string),
});
const late = avro.record('late', { at: avro.long });

function begin() {
  const flow = defineFlow({ jobId: 'typed' });
  const list = flow.fsSource('list', { topics: 's3a://docs' });
  const docs = flow.process('docs', {
    from: list,
    reads: s3list,
    writes: doc,
    sideOuts: { late },
    run: (ctx, event) => {
      ctx.toSideStream('late', { at: event.lastModifiedUnixMilli });
      // @ts-expect-error the record does not match the side output
      ctx.toSideStream('late', { at: 'now' });
      // @ts-expect-error no such side output
      ctx.toSideStream('early', { at: 1 });
      // @ts-expect-error no such field
      event.size;
      return { key: event.key, n: 1, kind: 'a' };
    },
  });
  return { flow, list, docs };
}

function errorOf(flow: ReturnType<typeof defineFlow>): string {
  try {
    flow.document();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

test('rejects a field of another type', () => {
  const { flow, docs } = begin();
  // @ts-expect-error key is a string
  flow.process('p', { from: docs, reads: avro.record('r', { key: avro.long }) });
  expect(errorOf(flow)).toBe('p: cannot read what "docs" writes: key: the writer has string, the reader long');
});

test('rejects a field that the writer does not have', () => {
  const { flow, docs } = begin();
  // @ts-expect-error there is no id
  flow.process('p', { from: docs, reads: avro.record('r', { key: avro.string, id: avro.string }) });
  expect(errorOf(flow)).toMatch('p: cannot read what "docs" writes: id: the writer has no such field');
});

test('rejects an enum with a symbol that the reader does not have', () => {
  const { flow, docs } = begin();
  // @ts-expect-error kind may be b
  flow.process('p', { from: docs, reads: avro.record('r', { kind: avro.enum('kind', ['a']) }) });
  expect(errorOf(flow)).toMatch("the writer's enum has b, which the reader's lacks");
});

test('rejects null if the reader requires a value', () => {
  const { flow, docs } = begin();
  // @ts-expect-error tag may be null
  flow.process('p', { from: docs, reads: avro.record('r', { tag: avro.string }) });
  expect(errorOf(flow)).toMatch('cannot read null');
});

test('rejects several inputs if one of them does not match', () => {
  const { flow, list, docs } = begin();
  // @ts-expect-error list has no n
  flow.process('p', { from: [docs, list], reads: avro.record('r', { n: avro.long }) });
  expect(errorOf(flow)).toMatch('p: cannot read what "list" writes: n');
});

test('rejects a side output that does not match, and one that is not declared', () => {
  const { flow, docs } = begin();
  // @ts-expect-error late has no key
  flow.process('p', { from: docs.side.late, reads: avro.record('r', { key: avro.string }) });
  expect(errorOf(flow)).toMatch('p: cannot read what side output "late" of "docs" writes: key');
  // @ts-expect-error there is no such side output
  expect(docs.side.early).toBeUndefined();
});

test('rejects a sink whose schema does not resolve', () => {
  const { flow, docs } = begin();
  // @ts-expect-error n is not a string
  flow.s3Sink('sink', { from: docs, reads: avro.record('r', { n: avro.string }) });
  flow.elasticSink('also', { from: [docs], reads: avro.record('r', { n: avro.double, key: avro.bytes }) });
  expect(errorOf(flow)).toBe('');
});

test('rejects types that need schema resolution, because code receives records as written', () => {
  const { flow, docs } = begin();
  // @ts-expect-error key is a string, not a Buffer
  flow.process('p', { from: docs, reads: avro.record('r', { key: avro.bytes }) });
  expect(errorOf(flow)).toBe('');
});

test('rejects results that do not match what the function writes', () => {
  const { flow, docs } = begin();
  const n = avro.record('n', { n: avro.int });
  // @ts-expect-error n is a number
  flow.process('p', { from: docs, writes: n, run: (_ctx, event) => ({ n: event.key }) });
  // @ts-expect-error the promise resolves to a number, not to a record
  flow.process('q', { from: docs, writes: n, run: async () => 3 });
  // @ts-expect-error c is not a symbol of kind
  flow.process('r', { from: docs, writes: doc, run: (_ctx, event) => ({ ...event, kind: 'c' }) });
  // @ts-expect-error the second record has no n
  flow.process('s', { from: docs, writes: n, run: () => [{ n: 1 }, { m: 1 }] });
  // @ts-expect-error without `writes`, results have the type of the input
  flow.process('t', { from: docs, run: () => ({ n: 1 }) });
  // @ts-expect-error n is a number, also in a source
  flow.rawSource('u', { writes: n, run: () => ({ n: 'one' }) });
  expect(errorOf(flow)).toBe('');
});

test('accepts every way to return results', () => {
  const { flow, docs } = begin();
  const n = avro.record('n', { n: avro.long });
  const common = { from: docs, reads: avro.record('r', { n: avro.long }), writes: n };
  flow.process('a', { ...common, run: (_ctx, event) => ({ n: event.n }) });
  flow.process('b', { ...common, run: async (_ctx, event) => [{ n: event.n }, event] });
  flow.process('c', {
    ...common,
    *run(_ctx, event) {
      yield event;
    },
  });
  flow.process('d', {
    ...common,
    async *run(_ctx, event) {
      yield event;
    },
  });
  flow.process('e', { ...common, run: (ctx) => ctx.heartbeat() });
  flow.process('f', { ...common, run: (_ctx, event) => (event.n > 1 ? event : undefined) });
  flow.process('g', { ...common, run: python('process', 'def process(ctx, event): pass') });
  flow.process('h', { from: docs, run: (_ctx, event) => ({ ...event, tag: event.tag?.trim() ?? null }) });
  expect(errorOf(flow)).toBe('');
});

test('checks the functions of a module against the type of the module', () => {
  const { flow, docs } = begin();
  const n = avro.record('n', { n: avro.int });
  type Module = typeof import('./map-module');
  flow.process('a', { from: docs, writes: n, run: fromModule<Module, 'lengthOf'>('./map-module.ts', 'lengthOf') });
  flow.process('b', { from: docs, writes: n, run: fromModule('./map-module.ts', 'anything') });
  flow.process('c', { from: docs, writes: n, run: fromModule<Module>('./map-module.ts', 'double') });
  // @ts-expect-error late has no key
  flow.process('d', { from: docs.side.late, writes: n, run: fromModule<Module, 'lengthOf'>('./map.ts', 'lengthOf') });
  // @ts-expect-error the module has no such function
  flow.process('e', { from: docs, writes: n, run: fromModule<Module>('./map-module.ts', 'triple') });
  // @ts-expect-error version is not a function
  flow.process('f', { from: docs, writes: n, run: fromModule<Module>('./map-module.ts', 'version') });
  // @ts-expect-error double does not return a doc
  flow.process('g', { from: docs, writes: doc, run: fromModule<Module, 'double'>('./map-module.ts', 'double') });
  // @ts-expect-error without a name, every function of the module must match
  flow.process('h', { from: docs.side.late, writes: n, run: fromModule<Module>('./map-module.ts', 'double') });
  expect(errorOf(flow)).toBe('');
});

test('a schema given as JSON is checked by the document, not by the compiler', () => {
  const { flow, docs } = begin();
  const loose = avro.schema<{ n: number }>({ type: 'record', name: 'r', fields: [{ name: 'n', type: 'string' }] });
  const out = flow.process('p', { from: docs, reads: loose, writes: loose, run: (_ctx, event) => ({ n: event.n }) });
  flow.process('q', { from: out, reads: avro.record('r', { n: avro.int }) });
  expect(errorOf(flow).split('\n')).toEqual([
    'p: cannot read what "docs" writes: n: the writer has int, the reader string',
    'q: cannot read what "p" writes: n: the writer has string, the reader int',
  ]);
});

test('rejects settings that the document does not have', () => {
  const { flow, docs } = begin();
  // @ts-expect-error parallelism is a number
  flow.process('p', { from: docs, parallelism: 'two' });
  // @ts-expect-error not a field of the document
  flow.process('q', { from: docs, topic: 'x' });
  // @ts-expect-error the code comes from `run`
  flow.process('r', { from: docs, meta: { code: 'def process(): pass' } });
  flow.process('s', { from: docs, meta: { own: { anything: [1] }, 'max.poll.interval.ms': 1000, maxDeliver: 2 } });
  // @ts-expect-error maxDeliver is a number
  flow.process('t', { from: docs, meta: { maxDeliver: 'two' } });
  // @ts-expect-error neither batch nor stream
  defineFlow({ jobId: 'x', mode: 'both' });
  // @ts-expect-error the size must be a literal
  avro.fixed('f', Number('4'));
  // @ts-expect-error the symbols must be literals
  avro.enum('e', ['a'].concat('b'));
  // @ts-expect-error the default must be one of the symbols
  avro.enum('e', ['a'], { default: 'b' });
  // @ts-expect-error the default must be an int
  avro.withDefault(avro.int, 'one');
  expect(errorOf(flow)).toBe('');
});
