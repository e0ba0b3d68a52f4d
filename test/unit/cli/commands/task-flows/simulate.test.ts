import { Workplace } from '../../../../support/kflow-cli';
import { kflow } from '../../support';

const place = new Workplace();
afterAll(() => place.remove());

const simulate = (flow: string, ...words: readonly string[]) =>
  kflow('run', place.write('test.flow', flow), '--simulate', ...words);

test('each task passes its input on, and the output is on stdout', async () => {
  const { status, stdout, stderr } = await simulate('A → B|C → D', '--input', '{"n": 1}');
  expect([status, JSON.parse(stdout)]).toEqual([0, [{ n: 1 }, { n: 1 }]]);
  expect(stderr).toMatch(/1 {2}A {2}running\n1 {2}A {2}succeeded\n[\s\S]*Completed\n$/);
});

test('maps, guards and joins take part', async () => {
  const { stdout } = await simulate('A → { * X → Y  ? `$[0][?(@.x=2)]` Z }', '--input', '[{"x": 1}, {"x": 2}]');
  expect(JSON.parse(stdout)).toEqual([
    [{ x: 1 }, { x: 2 }],
    [{ x: 1 }, { x: 2 }],
  ]);
});

test('a step before a map passes a list on, and an approval is given', async () => {
  const flow = 'A :a → approve(- title: ok? -) :b; :a :b → > ? `$[?(@.isApproved = true)]` B; :a → { X → Y } → * Z';
  const { status, stdout, stderr } = await simulate(flow, '--input', '{"n": 1}');
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    [expect.objectContaining({ isApproved: true }), expect.objectContaining({ n: 1, isApproved: true }), [{ n: 1 }]],
  ]);
  expect(stderr).toMatch(/B {2}succeeded/);
});

test('a failure fails the run, unless another attempt succeeds or a catch takes it', async () => {
  const failed = await simulate('A → B', '--failures', '100');
  expect([failed.status, failed.stdout]).toEqual([1, '']);
  expect(failed.stderr).toContain('Failed: step A: simulated');
  const caught = await simulate('A catch B', '--failures', '100');
  expect([caught.status, caught.stderr]).toEqual([1, expect.stringContaining('step B: simulated')]);
});

test('a seed repeats the failures', async () => {
  const flow = 'A with ({"retry": {"attempts": 3, "backoff": "1ms"}}) → B → C → D → E';
  const words = ['--failures', '40', '--seed', '7'];
  const [first, second] = [await simulate(flow, ...words), await simulate(flow, ...words)];
  expect(first).toEqual(second);
});

test('a timeout cancels the run, whose finally step runs', async () => {
  const flow = 'A → B @finally F;';
  const { status, stderr } = await simulate(flow, '--delay', '1s', '--timeout', '10ms');
  expect([status, stderr]).toEqual([1, expect.stringMatching(/A {2}canceled\n[\s\S]*F {2}succeeded\n/)]);
});

test.each([
  [['--delay', '1s'], '--delay requires --simulate'],
  [['--simulate', '--worker', 'w.yaml'], '--simulate starts no workers'],
  [['--keep'], '--keep is for topologies'],
  [['--no-embedded'], '--no-embedded is for topologies'],
  [['--simulate', '--failures', '101'], 'want a number from 0 to 100'],
])('refuses %j for a task flow', async (words, message) => {
  const { status, stderr } = await kflow('run', place.write('test.flow', 'A'), ...words);
  expect([status, stderr]).toEqual([64, expect.stringContaining(message)]);
});

test('refuses the options of task flows for a topology', async () => {
  const { status, stderr } = await kflow('run', place.write('words.yaml', ''), '--simulate');
  expect([status, stderr]).toEqual([64, expect.stringContaining('--simulate is for task flows')]);
});
