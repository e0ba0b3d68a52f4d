import { Workplace } from '../support/kflow-cli';

const program = (map: string) => `
import { avro, defineFlow } from 'kflow';
const limit = 2;
const number = avro.record('number', { n: avro.int });
const square = avro.record('square', { n: avro.long, square: avro.long });
export const flow = defineFlow({ jobId: 'squares', mode: 'batch', directory: __dirname });
const numbers = flow.rawSource('numbers', { writes: number, run: function* () { for (let n = 0; n < 10; n++) yield { n }; } });
const squares = flow.process('square', { from: numbers, reads: number, writes: square, run: ${map} });
flow.s3Sink('results', { from: squares, reads: square, topics: 's3a://squares' });
`;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const kflow = (...args: string[]) => place.ran(...args);

test('kflow run accepts a flow written in TypeScript in any folder', async () => {
  place.write('squares.ts', program('(ctx, event) => ({ n: event.n, square: event.n ** 2 })'));
  expect((await kflow('run', 'squares.ts', '--save', 'squares=out')).status).toBe(0);
  const squares = place.records<{ n: number; square: number }>('out').sort((one, other) => one.n - other.n);
  expect(squares).toEqual(Array.from({ length: 10 }, (_, n) => ({ n, square: n ** 2 })));
});

test('a function with a free variable is rejected with its name and line', async () => {
  place.write('squares.ts', program('(ctx, event) => ({ n: event.n, square: event.n ** limit })'));
  const { status, stderr } = await kflow('lint', 'squares.ts');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^kflow: square: the function uses outer variables: limit \(line 1\); /);
});

test('a problem points at the line that names its function', async () => {
  place.write('squares.ts', program('(ctx, event) => event').replace("'results'", "'Results'"));
  const { status, stdout } = await kflow('lint', 'squares.ts');
  expect(status).toBe(1);
  expect(stdout).toMatch(/^squares\.ts:9:13 {2}dag\[2\]\.id {2}must be lower-case letters/m);
});

test('output of a program is not part of the result, and modules are resolved from its directory', async () => {
  place.write(
    'sub/square.ts',
    'export const square = (_: unknown, e: { n: number }) => ({ n: e.n, square: e.n ** 2 });',
  );
  const text = program("fromModule('./square.ts', 'square')").replace('import { avro', 'import { fromModule, avro');
  place.write('squares.ts', `console.log('noise');${text.replace('__dirname', "__dirname + '/sub'")}`);
  const graph = await kflow('graph', 'squares.ts');
  expect([graph.stdout.split('\n')[0], graph.stderr]).toEqual(['flowchart LR', 'noise\n']);
  expect(
    (await kflow('synth', 'squares.ts', '--set', 'globalConfig.store={addr: "s3:1", secret: s3}', '-o', 'out')).status,
  ).toBe(0);
  expect(place.read('out/squares.k8s.yaml')).toContain('square: e.n ** 2');
});

test.each([
  ['exports no flow', 'export const one = 1;', /exports no flow; export exactly one/],
  [
    'exports two',
    "import { defineFlow } from 'kflow'; export const a = defineFlow({ jobId: 'a' }), b = defineFlow({ jobId: 'b' });",
    /exports several flows \(a, b\)/,
  ],
  ['does not compile', 'export const a = ;', /flow\.ts:1: Unexpected ";"/],
  ['ends the process', 'process.exit(0);', /flow\.ts failed: the program calls process\.exit/],
  ['throws no error', "throw 'today';", /flow\.ts failed: today/],
  ['throws', "throw new Error('not today');", /flow\.ts failed: Error: not today/],
])('a program that %s is rejected', async (_title, text, message) => {
  place.write('flow.ts', text);
  const { status, stderr } = await kflow('synth', 'flow.ts');
  expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
});
