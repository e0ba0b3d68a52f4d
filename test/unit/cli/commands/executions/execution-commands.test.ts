import path from 'node:path';
import { freePort } from '../../../../support/free-port';
import { kflow } from '../../support';
import { TestController } from '../flows/support';

let controller: TestController;
beforeEach(async () => {
  controller = await TestController.start();
});
afterEach(() => controller.close());

const file = (name: string, text: string) => controller.place.write(name, text);
const keyOf = (execution: string) => ({ namespace: 'default', execution });

/** Starts an execution with this id. */
async function submit(id: string, flow = 'A → B', ...words: readonly string[]) {
  const { status, stderr } = await controller.kflow('submit', file('two.flow', flow), '--id', id, ...words);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
}

const run = (...words: readonly string[]) => controller.kflow('executions', ...words);

describe('kflow submit of a task flow', () => {
  test('prints the id, and a second submit with it attaches', async () => {
    const flow = file('two.flow', '@flow two; A → B');
    const first = await controller.kflow('submit', flow, '--id', 'one', '--input', '{"n":1}', '--attribute', 'by=eva');
    expect(first).toMatchObject({ status: 0, stdout: 'default/one: started\n' });
    expect(await controller.kflow('submit', flow, '--id', 'one')).toMatchObject({ stdout: 'default/one: attached\n' });
    expect(await controller.executions.get(keyOf('one'))).toMatchObject({ input: { n: 1 }, attributes: { by: 'eva' } });
  });

  test('reads the input from a file', async () => {
    await submit('one', 'A', '--input', `@${file('input.json', '{"n": 2}')}`);
    expect(await controller.executions.get(keyOf('one'))).toMatchObject({ input: { n: 2 } });
  });

  test('with --wait prints the output, and exits with 0', async () => {
    const flow = file('two.flow', 'A');
    const waiting = controller.kflow('submit', flow, '--id', 'one', '--wait');
    await started('one');
    controller.executions.end(keyOf('one'), 'A', { sum: 3 });
    const { status, stdout, stderr } = await waiting;
    expect([status, stdout]).toEqual([0, '{\n  "sum": 3\n}\n']);
    expect(stderr).toMatch(/^default\/one: started\n/);
  });

  test.each([
    ['a failure', (id: string) => controller.executions.fail(keyOf(id), 'A', 'no')],
    ['a terminate', (id: string) => controller.executions.terminate(keyOf(id), { by: 'eva' })],
  ])('with --wait exits with 1 after %s', async (_, end) => {
    const waiting = controller.kflow('submit', file('two.flow', 'A'), '--id', 'one', '--wait');
    await started('one');
    await end('one');
    const { status, stderr } = await waiting;
    expect([status, stderr]).toEqual([1, expect.stringContaining('kflow executions resume default/one')]);
  });

  test('with --wait waits on while the controller restarts', async () => {
    const waiting = controller.kflow('submit', file('two.flow', 'A'), '--id', 'one', '--wait');
    await started('one');
    await controller.restart(async () => controller.executions.end(keyOf('one'), 'A', { sum: 3 }));
    const { status, stdout, stderr } = await waiting;
    expect([status, stdout]).toEqual([0, '{\n  "sum": 3\n}\n']);
    expect(stderr).toContain('the controller is unavailable');
  });

  test('with --wait and --timeout exits with 5', async () => {
    const words = ['--id', 'one', '--wait', '--timeout', '10ms'];
    expect(await controller.kflow('submit', file('two.flow', 'A'), ...words)).toMatchObject({ status: 5 });
  });

  test('with errors starts nothing, and prints each with its place', async () => {
    const { status, stderr } = await controller.kflow('submit', file('bad.flow', 'A →\n'));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/bad\.flow:\d+:\d+ /)]);
    expect((await controller.executions.list('default', { limit: 10 })).executions).toEqual([]);
  });

  test('with --schedule sets a schedule, which can be listed and removed', async () => {
    const flow = file('two.flow', '@flow daily; A');
    const words = ['--schedule', '0 6 * * *', '--overlap', 'queue'];
    const { status, stdout } = await controller.kflow('submit', flow, ...words);
    expect([status, stdout]).toEqual([0, 'default/daily: scheduled\n']);
    expect((await run('schedules')).stdout).toContain('queue');
    expect((await run('unschedule', 'daily')).stdout).toBe('default/daily: removed\n');
    expect((await run('unschedule', 'daily')).status).toBe(4);
  });

  test.each([
    [['--update'], '--update is for topologies'],
    [['--overlap', 'skip'], '--overlap requires --schedule'],
    [['--schedule', '0 6 * * *', '--id', 'x', '--wait'], 'a schedule starts nothing now'],
    [['--input', '{'], 'want JSON, or @FILE'],
    [['--input', '@none.json'], 'got "@none.json"'],
    [['--input', '{"n": 12345678901234567890}'], 'want no integer beyond 2^53'],
  ])('refuses %j', async (words, message) => {
    const { status, stderr } = await controller.kflow('submit', file('two.flow', 'A'), ...words);
    expect([status, stderr]).toEqual([64, expect.stringContaining(message)]);
  });

  test('refuses its options for topologies', async () => {
    const { status, stderr } = await controller.kflow('submit', file('words.yaml', ''), '--input', '{}');
    expect([status, stderr]).toEqual([64, expect.stringContaining('--input is for task flows')]);
  });
});

/** Waits until the execution has begun, with an event of its trace. */
async function started(id: string): Promise<void> {
  for (;;) {
    const found = await controller.executions.get(keyOf(id)).catch(() => undefined);
    if (found !== undefined) return;
    await new Promise(setImmediate);
  }
}

test('list shows executions by status and attribute', async () => {
  await submit('one', 'A', '--attribute', 'by=eva');
  await submit('two', 'A', '--attribute', 'by=tom');
  controller.executions.end(keyOf('one'), 'A');
  expect((await run('list')).stdout).toMatch(/default\/two .*Running.*by=tom\ndefault\/one .*Completed/);
  expect((await run('list', '--attribute', 'by=tom', '--status', 'Completed')).stdout).toBe('');
  expect(JSON.parse((await run('list', '--output', 'json')).stdout)).toHaveLength(2);
});

test('show draws the steps with their status and values, and inspect does the same', async () => {
  await submit('one');
  controller.executions.end(keyOf('one'), 'A', { a: 1 });
  const { status, stdout } = await run('show', 'workflow:one', '--values');
  expect([status, stdout]).toEqual([0, expect.stringMatching(/1 +A +succeeded/)]);
  expect(stdout).toMatch(/2 +B +running/);
  expect(stdout).toContain('1 A output  {"a":1}');
  expect((await controller.kflow('inspect', 'one')).stdout).toMatch(/^default\/one {2}Running\n/);
  expect((await run('show', 'none')).status).toBe(4);
});

test('show --watch prints each state until the execution has ended', async () => {
  await submit('one', 'A');
  const watching = run('show', 'one', '--watch', '--output', 'json');
  setTimeout(() => controller.executions.end(keyOf('one'), 'A'), 0);
  const lines = (await watching).stdout.trimEnd().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '').status).toBe('Completed');
});

test('trace shows what happened, in order', async () => {
  await submit('one', 'A');
  controller.executions.end(keyOf('one'), 'A');
  const { stdout } = await run('trace', 'one', '--output', 'json');
  const what = JSON.parse(stdout).map((entry: { what: string }) => entry.what);
  expect(what).toEqual(['started', 'started', 'succeeded', 'completed']);
});

test('cancel, terminate, resume and delete change the named execution', async () => {
  await submit('one');
  expect((await run('cancel', 'one', '--grace', '5s', '--comment', 'slow')).stdout).toBe(
    'default/one: cancel requested\n',
  );
  expect((await run('terminate', 'one')).stdout).toBe('default/one: terminated\n');
  expect((await run('resume', 'one')).stdout).toBe('default/one: resumed\n');
  expect((await run('delete', 'one', '--yes')).status).toBe(1);
  await run('terminate', 'one');
  expect((await run('delete', 'one', '--yes')).stdout).toBe('default/one: deleted\n');
  expect(controller.executions.requests).toContainEqual({ what: 'cancel', by: expect.any(String), comment: 'slow' });
});

test('resume by conditions continues those that failed, and --dry-run only lists them', async () => {
  for (const id of ['one', 'two', 'three']) await submit(id, '@flow f; A');
  controller.executions.fail(keyOf('one'), 'A', 'no');
  controller.executions.fail(keyOf('three'), 'A', 'no');
  expect((await run('resume', '--name', 'f', '--dry-run')).stdout).toMatch(/default\/three .*\ndefault\/one /);
  expect((await run('resume', '--name', 'f')).stdout).toBe('default/three: resumed\ndefault/one: resumed\n');
  expect((await run('resume')).status).toBe(64);
  expect((await run('resume', 'one', '--name', 'f')).status).toBe(64);
});

test('an archive is restored under another id', async () => {
  await submit('one', 'A');
  controller.executions.fail(keyOf('one'), 'A', 'no');
  const saved = path.join(controller.place.folder, 'one.json');
  expect((await run('archive', 'one', '--save', saved)).status).toBe(0);
  expect(JSON.parse(controller.place.read('one.json')).kind).toBe('kflow-execution');
  expect((await run('restore', saved, '--id', 'copy')).stdout).toMatch(/^default\/copy: restored, /);
  expect((await run('restore', saved, '--id', 'copy')).status).toBe(1);
});

test('an archive goes to an object of the controller, and is restored from there', async () => {
  await submit('one', 'A');
  controller.executions.fail(keyOf('one'), 'A', 'no');
  expect((await run('archive', 'one', '--to', 's3://kept/one.json')).status).toBe(0);
  expect([...controller.executions.objects.keys()]).toEqual(['s3://kept/one.json']);
  const { stdout } = await run('restore', '--from', 's3://kept/one.json', '--id', 'copy');
  expect(stdout).toMatch(/^default\/copy: restored, /);
  expect((await run('restore')).status).toBe(64);
  expect((await run('archive', 'one', '--to', 'file:///one')).status).not.toBe(0);
});

test('approve sends the answers of the form', async () => {
  await submit('one', 'approve(- { title: ok, form: { amount: { type: number } } } -) → B');
  const { status, stdout } = await run('approve', 'one', '--answer', 'amount=3');
  expect([status, stdout]).toEqual([0, 'default/one: approved\n']);
  const { steps } = await controller.executions.get(keyOf('one'));
  expect(steps[1]?.output).toMatchObject({ decision: 'approve', answers: { amount: 3 } });
});

test('approve sends answers of the types of the form', async () => {
  const form = '{ ticket: { type: string }, level: { type: enum, enum: ["1", "2"] }, ok: { type: boolean } }';
  await submit('one', `approve(- { title: ok, form: ${form} } -) → B`);
  const answers = ['ticket=123', 'level=1', 'ok=true'].flatMap((each) => ['--answer', each]);
  expect(await run('approve', 'one', ...answers)).toMatchObject({ status: 0 });
  const { steps } = await controller.executions.get(keyOf('one'));
  expect(steps[1]?.output).toMatchObject({ answers: { ticket: '123', level: '1', ok: true } });
});

test('end ends a step, with an output or an error', async () => {
  await submit('one', 'A → B');
  expect(await run('end', 'one', '--step', '1', '--result', '{"n":1}')).toMatchObject({
    status: 0,
    stdout: 'default/one: step 1 ended\n',
  });
  expect(await run('end', 'one', '--step', '1')).toMatchObject({ status: 1 });
  expect((await run('end', 'one', '--step', '2', '--result', '1', '--error', 'no')).status).toBe(64);
  expect(await run('end', 'one', '--step', '2', '--error', 'no')).toMatchObject({
    stdout: 'default/one: step 2 failed\n',
  });
  const { status, steps } = await controller.executions.get(keyOf('one'));
  expect([status, steps[1]?.output, steps[2]?.error?.message]).toEqual(['Failed', { n: 1 }, 'no']);
});

test('the documented end names the workflow, the task and its index', async () => {
  await submit('one', 'A → B');
  expect(await controller.kflow('end', 'one', 'B', '1')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('step 1 is A, not B'),
  });
  expect(await controller.kflow('end', 'workflow:one', 'A', '1')).toMatchObject({ status: 0 });
  expect((await controller.executions.get(keyOf('one'))).steps[1]?.status).toBe('succeeded');
});

test('event publishes, and receipts lists events', async () => {
  const { status, stdout } = await controller.kflow('event', 'ready', '--data', '{"id":7}');
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^\S+\n$/)]);
  expect((await controller.kflow('receipts')).stdout).toContain('ready');
  expect((await controller.kflow('event', 'ready', '--data', '[]')).status).toBe(64);
});

test('workers lists the live workers with their tasks and slots', async () => {
  const at = new Date().toISOString();
  const tasks = [{ name: 'add' }, { name: 'sub' }];
  const worker = { worker: 'w1', taskNamespace: 'math', tasks, slots: 4, running: 1, since: at, lastSeen: at };
  controller.executions.workersOf.set('default', [worker]);
  expect((await controller.kflow('workers')).stdout).toMatch(/math +w1 +1\/4 .*add sub/);
});

test.each([['executions', 'list'], ['executions', 'show', 'one'], ['event', 'ready'], ['workers']])(
  'kflow %s %s without a controller exits with 3',
  async (...words) => {
    const url = `http://127.0.0.1:${await freePort()}`;
    expect((await kflow(...words, '--url', url)).status).toBe(3);
  },
);
