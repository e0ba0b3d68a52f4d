import { ExecutionStage, type SentOrder } from '../../../support/execution-stage';

const stage = () => new ExecutionStage();
const success = { kind: 'succeeded', output: {}, worker: 'w' } as const;

/** The step that follows in a message; it must be there. */
function next(run: ExecutionStage, order: SentOrder): SentOrder {
  const found = run.following(order);
  if (found === undefined) throw new Error(`nothing follows ${order.name}`);
  return found;
}

describe('a message has the steps that are certain to follow', () => {
  test.each([
    ['a line of tasks', 'A → B → C', ['B', 'C']],
    ['within a map', '* { A → B }', ['B']],
    ['of the same task namespace', 'k:A → k:B → C', ['k:B']],
    ['up to a guard', 'A → ? `$.x` B', []],
    ['up to a merge', 'A → > B', []],
    ['up to a join', '{ A C } → B', []],
    ['up to a fork', 'A :a → B; :a → C', []],
    ['up to a wait', 'A → wait:delay(- duration: 5 -) → B', []],
    ['up to a call', "A → request:get(- url: 'http://x/' -)", []],
    ['up to the end of a subflow', '{ A } → B', []],
    ['up to a limit', '@task B with (- {concurrency: 3} -) A → B', []],
    ['up to a rate', '@task B with (- {rate: {limit: 3, per: 1s}} -) A → B', []],
    ['up to a memo', '@task B with (- {memoize: {key: x}} -) A → B', []],
  ])('%s', async (_, flow, names) => {
    const run = await stage().start(flow, [{}]);
    const order = run.sent.find(({ name }) => name.endsWith('A'));
    expect((order?.next ?? []).map(({ name }) => name)).toEqual(names);
  });

  test('sixteen at most', async () => {
    const run = await stage().start(Array.from({ length: 20 }, (_, at) => `A${at}`).join(' → '));
    expect(run.order('A0').next).toHaveLength(16);
  });

  test('with parameters of 64 KiB at most', async () => {
    const run = await stage().start(`A → B(- text: '${'x'.repeat(40_000)}' -) → C(- text: '${'x'.repeat(40_000)}' -)`);
    expect(run.order('A').next).toMatchObject([{ name: 'B', parameters: { text: expect.any(String) } }]);
  });

  test('not those that a resume takes over, or gives another input', async () => {
    const run = await stage().start('A → B → C');
    await run.succeed('A');
    await run.succeed('B', { b: 1 });
    await run.fail('C');
    await run.resume({ from: ['1'], inputs: { '2': { edited: true } } });
    expect(run.order('A').next).toBeUndefined();
  });
});

describe('a worker that goes on', () => {
  test('runs the next step as its only start', async () => {
    const run = await stage().start('A → B → C');
    const a = run.order('A');
    await run.report(a, { ...success, output: { a: 1 }, continues: true });
    const b = next(run, a);
    expect(run.answer(b, 'w')).toBe(true);
    await run.report(b, { ...success, output: { b: 1 } });
    expect(run.names).toEqual(['A', 'C']);
    expect(run.order('C').input).toEqual({ b: 1 });
    expect(run.snapshot().state.steps['2']).toEqual({ status: 'succeeded', output: { b: 1 } });
  });

  test('may be overtaken by its own reports, in several runs of the workflow', async () => {
    const run = await stage().start('A → B → C');
    run.continuesAlways = true;
    const a = run.order('A');
    const b = next(run, a);
    const c = next(run, b);
    await run.report(c, { ...success, output: { c: 1 } });
    expect(run.answer(b, 'w')).toBe(true);
    await run.report(b, { ...success, output: { b: 1 }, continues: true });
    await run.report(a, { ...success, continues: true });
    expect(run.names).toEqual(['A']);
    expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { c: 1 } });
  });

  test('fails an attempt of a step, and the next one is a message of its own, with what follows', async () => {
    const run = await stage().start('@task B with (- retry: {attempts: 2, jitter: false} -) A → B → C');
    const a = run.order('A');
    await run.report(a, { ...success, continues: true });
    await run.report(next(run, a), { kind: 'failed', error: { code: 'x', message: 'm' } });
    await run.pass(1_000);
    expect(run.names).toEqual(['A', 'B']);
    const b = run.order('B');
    expect(b).toMatchObject({ attempt: 2, next: [{ name: 'C' }] });
    await run.report(b, { ...success, continues: true });
    await run.report(next(run, b), { ...success, output: 1 });
    expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: 1 });
  });

  test('does not count when the step before was tried again', async () => {
    const run = await stage().start(
      '@task A with (- {timeout: {run: 5s}, retry: {attempts: 2, jitter: false}} -) A → B',
    );
    const first = run.order('A');
    await run.take('A');
    await run.pass(11_000);
    const b = next(run, first);
    expect(run.withdrawn).toMatchObject([{ id: expect.stringMatching(/\/1\/1$/) }]);
    await run.report(b, { ...success, output: 'old' });
    expect(run.answer(b, 'w')).toBe(false);
    await run.report(run.order('A'), { ...success, output: 'new' });
    await run.report(b, { ...success, output: 'old' });
    expect(run.order('B').input).toBe('new');
    expect(run.ended).toBeUndefined();
    await run.succeed('B', 'right');
    expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: 'right' });
  });
});

describe('another worker that gets the message', () => {
  const begun = async () => {
    const run = await stage().start('A → B → C');
    const a = run.order('A');
    await run.report(a, { ...success, continues: true });
    return { run, a, b: next(run, a) };
  };

  test('is told that the step has ended, and what followed is sent', async () => {
    const { run, a } = await begun();
    expect(run.answer(a, 'w')).toBe(false);
    expect(run.answer(a, 'other')).toBe('continued');
    expect(run.answer(a)).toBe('continued');
    await run.report(a, { kind: 'returned' });
    expect(run.names).toEqual(['A', 'B']);
    expect(run.answer(a)).toBe(false);
    await run.report(a, { kind: 'returned' });
    expect(run.names).toEqual(['A', 'B']);
    await run.report(run.order('B'), { ...success, continues: true });
    await run.report(next(run, run.order('B')), success);
    expect(run.ended?.state.outcome?.status).toBe('completed');
  });

  test('and that has run it once more does not go on either', async () => {
    const { run, a } = await begun();
    await run.report(a, { ...success, worker: 'other' });
    expect(run.names).toEqual(['A', 'B']);
  });

  test('does not take away the success of the first one', async () => {
    const { run, a, b } = await begun();
    await run.report(a, { kind: 'returned' });
    await run.report(b, { kind: 'failed', error: { code: 'canceled', message: 'm' } });
    await run.report(b, { ...success, output: 'b', continues: true });
    expect(run.withdrawn).toMatchObject([{ sequence: 2 }]);
    expect(run.names).toEqual(['A', 'B', 'C']);
    expect(run.order('C').input).toBe('b');
  });
});

describe('what follows does not begin', () => {
  test('after a cancel, also between two steps', async () => {
    const run = await stage().start('A → B');
    const a = run.order('A');
    a.isTaken = true;
    await run.command({ kind: 'cancel', by: 'x' });
    await run.report(a, { ...success, continues: true });
    expect(run.withdrawn).toMatchObject([{ sequence: 1 }, { id: expect.stringMatching(/\/2\/1\/1\/1$/) }]);
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
  });

  test('after a step that was canceled while a worker had gone on', async () => {
    const run = await stage().start('A → B');
    const a = run.order('A');
    a.isTaken = true;
    await run.report(a, { ...success, continues: true });
    await run.command({ kind: 'cancel', by: 'x' });
    expect(run.withdrawn).toMatchObject([{ id: expect.stringMatching(/\/2\/1\/1\/1$/), sequence: 1 }]);
    await run.report(next(run, a), { kind: 'failed', error: { code: 'canceled', message: 'm', isTerminal: true } });
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
  });

  test('when a sibling has failed', async () => {
    const run = await stage().start('{ A → B; F }');
    await run.fail('F');
    expect(run.withdrawn.map(({ sequence }) => sequence)).toEqual([undefined]);
    await run.succeed('A');
    expect(run.names).toEqual(['A', 'F']);
    expect(run.ended?.state.outcome).toMatchObject({ status: 'failed' });
  });
});
