import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { planFlow } from '../../../lib/plan/plan-flow';
import { readTopology } from '../../../lib/topology/read-topology';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { Failure, Host, HostEvents } from '../../../runtime/engine/ports/host';
import { typeScriptHost } from '../../../runtime/hosts/typescript/host';
import { waitFor } from '../../support/wait-for';

const schema = { type: 'record', name: 'number', fields: [{ name: 'n', type: 'long' }] };
const codec = new AvroSchemaCodec(schema);

/** Events of a host, with decoded outputs. */
class Told implements HostEvents {
  readonly lines: string[] = [];
  readonly outputs: unknown[] = [];
  readonly failures: Failure[] = [];

  output(id: number, payload: Uint8Array, side: string): undefined {
    this.outputs.push(codec.decode(payload));
    this.tell(`output ${id}${side && ` to ${side}`}`);
  }
  done(id: number): void {
    this.tell(`done ${id}`);
  }
  failed(id: number, failure: Failure): void {
    this.failures.push(failure);
    this.tell(`failed ${id}`);
  }
  released(id: number): void {
    this.tell(`released ${id}`);
  }
  heartbeat(id: number): void {
    this.tell(`heartbeat ${id}`);
  }
  log(level: string, text: string): void {
    this.tell(`${level} ${text}`);
  }
  crashed(cause: Error): void {
    throw cause;
  }

  async until(line: string): Promise<void> {
    await waitFor(
      line,
      () => this.lines,
      (lines) => lines.includes(line),
    );
  }

  private tell(line: string): void {
    this.lines.push(line);
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-host-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Meta {
  readonly [key: string]: unknown;
}

async function open(meta: Meta, isStreaming = false): Promise<{ host: Host; told: Told }> {
  const own = { schema, meta: { language: 'typescript', name: 'process', ...meta } };
  const sideOuts = [{ id: 'odd', schema, out: ['leaf'] }];
  const document = {
    jobId: 'test',
    dag: [
      { id: 'source', type: 'raw-source', out: ['fn'], ...own },
      { id: 'fn', type: 'raw', out: ['leaf'], sideOuts, ...own },
      { id: 'leaf', type: 'raw', ...own },
    ],
  };
  const { topology, problems } = readTopology(JSON.stringify(document), { file: 'test', defaultJobId: 'test' });
  if (topology === undefined) throw new Error(JSON.stringify(problems));
  const spec = planFlow(topology, {}).workloads[1]?.spec;
  if (spec === undefined) throw new Error('not planned');
  const told = new Told();
  const host = typeScriptHost({
    spec,
    events: told,
    schemas: { schemaOf: async () => schema },
    baseDir: folder,
    isStreaming,
    replica: 0,
    env: process.env,
  });
  await host.open();
  return { host, told };
}

function records(...numbers: number[]) {
  return numbers.map((n) => {
    const payload = codec.encode({ n });
    if (payload === undefined) throw new Error('does not fit');
    return { id: n, payload, origin: { input: 0, sequence: n } };
  });
}

test.each([
  ['a record', '({ n: event.n + 1 })', [{ n: 2 }]],
  ['nothing', 'undefined', []],
  ['null', 'null', []],
  ['several', '[{ n: 5 }, { n: 6 }]', [{ n: 5 }, { n: 6 }]],
  ['a promise', 'Promise.resolve({ n: 7 })', [{ n: 7 }]],
  ['an iterable', 'new Set([{ n: 8 }, { n: 9 }])', [{ n: 8 }, { n: 9 }]],
])('sends the outputs of a function: %s', async (_title, given, outputs) => {
  const { host, told } = await open({ code: `const process = (ctx, event: { n: number }) => ${given};` });
  host.process(records(1));
  await told.until('done 1');
  expect(told.outputs).toEqual(outputs);
});

test('sends each record of a generator as it is yielded', async () => {
  const code = `export async function* process(ctx, event) {
    yield { n: 1 };
    console.log('between');
    yield { n: 2 };
  }`;
  const { host, told } = await open({ code });
  host.process(records(4));
  await told.until('done 4');
  expect(told.lines).toEqual(['output 4', 'INFO between', 'output 4', 'done 4']);
});

test('passes a queue to functions that publish before they return', async () => {
  const code = 'async function process(ctx, event, q) { for (let n = 0; n < 3; n++) await q.put({ n }); }';
  const { host, told } = await open({ code }, true);
  host.process(records(1));
  await told.until('done 1');
  expect(told.outputs).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
});

test('logs and heartbeats in the order in which the function makes them', async () => {
  const code = `function process(ctx, event) {
    ctx.logger.info('one', { two: 2 });
    ctx.heartbeat();
    logger.warn('three');
    console.error('four');
    ctx.toSideStream('odd', event);
    return event;
  }`;
  const { host, told } = await open({ code });
  host.process(records(3));
  await told.until('done 3');
  expect(told.lines).toEqual([
    'INFO one { two: 2 }',
    'heartbeat 3',
    'WARNING three',
    'WARNING four',
    'output 3 to odd',
    'output 3',
    'done 3',
  ]);
});

test('a failed record does not affect its neighbors, and its trace names the line of the code', async () => {
  const code = `function process(ctx, event) {
    if (event.n === 2)
      throw new RangeError('not two');
    return event;
  }`;
  const { host, told } = await open({ code });
  host.process(records(1, 2, 3));
  await told.until('done 3');
  expect(told.lines).toEqual(['output 1', 'done 1', 'failed 2', 'output 3', 'done 3']);
  expect(told.failures[0]).toMatchObject({ type: 'RangeError', message: 'not two' });
  expect(told.failures[0]?.trace).toMatch(/fn\.ts:3/);
});

test.each([
  ['{ n: "x" }', 'the output does not fit the function\'s schema: n: expected long, got string "x"'],
  ['{ n: 1, m: 2 }', "the output does not fit the function's schema: m: not a field of the schema"],
  ['{}', "the output does not fit the function's schema: n: missing, expected long"],
  ['"text"', 'the output does not fit the function\'s schema: record: expected record number, got string "text"'],
])('names the first field of an output that does not fit: %s', async (given, message) => {
  const { host, told } = await open({ code: `const process = () => (${given});` });
  host.process(records(1));
  await told.until('failed 1');
  expect(told.failures[0]).toMatchObject({ message });
});

test('sends none of several outputs when one of them does not fit', async () => {
  const { host, told } = await open({ code: 'const process = () => [{ n: 1 }, { n: 0.5 }];' });
  host.process(records(1));
  await told.until('failed 1');
  expect(told.outputs).toEqual([]);
});

test('runs up to `concurrency` records at once, and releases the rest', async () => {
  const code = `const waiting = [];
  function process(ctx, event) {
    console.log('began ' + event.n);
    return new Promise((resolve) => {
      waiting.push(() => resolve(event));
      if (event.n === 9) for (const go of waiting) go();
    });
  }`;
  const { host, told } = await open({ code, concurrency: 2 });
  host.process(records(1, 2, 3));
  await told.until('INFO began 2');
  host.release();
  expect(told.lines).toEqual(['INFO began 1', 'INFO began 2', 'released 3']);
});

test('loads a module with its imports, relative to the topology', async () => {
  writeFileSync(path.join(folder, 'double.ts'), 'export const double = (n: number): number => n * 2;');
  writeFileSync(
    path.join(folder, 'module.ts'),
    `import { double } from './double';\nexport default (ctx: unknown, event: { n: number }) => ({ n: double(event.n) });`,
  );
  const { host, told } = await open({ module: './module.ts', name: undefined });
  host.process(records(21));
  await told.until('done 21');
  expect(told.outputs).toEqual([{ n: 42 }]);
});

test.each([
  ['function process( { }', /does not compile: .*line 1/],
  ['const process = 3;', /the code has no function "process"/],
  ['throw new Error("at load"); function process() {}', /loading the code failed: Error: at load/],
])('rejects code that cannot be loaded: %s', async (code, message) => {
  await expect(open({ code })).rejects.toMatchObject({ name: 'ConfigError', message: expect.stringMatching(message) });
});

test.each([
  ['a list, again and again', 'const process = () => [{ n: 1 }, { n: 2 }];', [2, 2], false],
  ['nothing: the end', 'const process = () => null;', [0], true],
])('reads the records of a source: %s', async (_title, code, sizes, ended) => {
  const { host } = await open({ code });
  const slices = [];
  for (const _ of sizes) slices.push(await host.generate());
  expect(slices.map((slice) => slice.payloads.length)).toEqual(sizes);
  expect(slices.at(-1)?.ended).toBe(ended);
});

test('reads the records of a source: a generator, in slices', async () => {
  const { host } = await open({ code: 'function* process() { for (let n = 0; n < 600; n++) yield { n }; }' });
  const sizes: number[] = [];
  for (let ended = false; !ended; ) {
    const slice = await host.generate();
    sizes.push(slice.payloads.length);
    ended = slice.ended;
  }
  // A slice is also sent when its time is up.
  expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(600);
});

test('sends the records of a generator before it pauses and before it fails', async () => {
  const code = `async function* process() {
    yield { n: 1 };
    await new Promise((resolve) => setTimeout(resolve, 100));
    yield { n: 2 };
    throw new Error('dry');
  }`;
  const { host } = await open({ code });
  const sizes = [await host.generate(), await host.generate()].map(({ payloads }) => payloads.length);
  expect(sizes).toEqual([1, 1]);
  await expect(host.generate()).rejects.toThrow('dry');
});

test('closes while a generator is waiting', async () => {
  const { host } = await open({ code: 'async function* process() { yield { n: 1 }; await new Promise(() => {}); }' });
  await host.generate();
  void host.generate();
  await host.close();
});
