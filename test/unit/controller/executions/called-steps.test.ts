import { ExecutionStage } from '../../../support/execution-stage';

test('a step whose callee ends it stays open in later runs of the workflow', async () => {
  const run = new ExecutionStage();
  run.continuesAlways = true;
  await run.start("{ request:get(- {url: 'http://a', sync: false} -) B } → A");
  run.calls[0]?.resolve({ kind: 'waits' });
  await run.settle();
  await run.succeed('B', { b: 1 });
  expect([run.runs, run.calls.length]).toEqual([2, 1]);
  const base = 'request:get';
  const order = { step: '2', attempt: 1, run: 1, name: base, base, sequence: 0, isTaken: true };
  await run.succeed(order, { r: 1 });
  expect(run.order('A').input).toEqual([{ r: 1 }, { b: 1 }]);
});

test('a flow that a step runs goes on in later runs of the workflow, which call it again', async () => {
  const run = new ExecutionStage();
  run.continuesAlways = true;
  await run.start('{ flow:run(- {jobId: j, topology: t} -) B } → A');
  run.nowMs += 60_000;
  await run.succeed('B', { b: 1 });
  expect(run.runs).toBe(2);
  const [first, second, ...more] = run.calls.map(({ resolve: _, ...order }) => order);
  expect([second, more]).toEqual([first, []]);
  run.calls[1]?.resolve({ kind: 'succeeded', output: { f: 1 } });
  await run.settle();
  expect(run.order('A').input).toEqual([{ f: 1 }, { b: 1 }]);
});

test('a flow that is being stopped is waited for', async () => {
  const run = new ExecutionStage();
  run.continuesAlways = true;
  run.endsCanceledCalls = false;
  await run.start('{ flow:run(- {jobId: j, topology: t} -) B C }');
  await run.take('B');
  await run.take('C');
  await run.command({ kind: 'cancel', by: 'someone' });
  const { runs } = run;
  await run.succeed('B');
  expect(run.runs).toBe(runs);
  run.calls.at(-1)?.resolve({ kind: 'failed', code: 'canceled', message: 'canceled' });
  await run.settle();
  await run.succeed('C');
  expect([run.ended?.state.outcome, run.calls.length]).toEqual([{ status: 'canceled' }, runs]);
});

test('no request begins when a new run of the workflow is due, which begins it', async () => {
  const run = new ExecutionStage();
  run.continuesAlways = true;
  await run.start("request:get(- url: 'http://a' -); B → C → request:get(- url: 'http://b' -)");
  await run.succeed('B');
  await run.succeed('C');
  expect([run.runs, run.calls.length]).toEqual([1, 1]);
  run.calls[0]?.resolve({ kind: 'succeeded', output: { a: 1 } });
  await run.settle();
  await run.pass(1);
  expect(run.calls).toMatchObject([{}, { parameters: { url: 'http://b' } }]);
  run.calls[1]?.resolve({ kind: 'succeeded', output: { b: 1 } });
  await run.settle();
  expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: [{ a: 1 }, { b: 1 }] });
});

test('of many calls, few are under way at a time, and a cancel ends those that have not begun', async () => {
  const run = new ExecutionStage();
  run.maxCalls = 2;
  await run.start("* request:get(- url: 'http://{input}' -)", [0, 1, 2, 3, 4]);
  expect(run.calls).toHaveLength(2);
  run.calls[0]?.resolve({ kind: 'waits' });
  run.calls[1]?.resolve({ kind: 'succeeded', output: {} });
  await run.settle();
  expect(run.calls.map(({ input }) => input)).toEqual([0, 1, 2, 3]);
  await run.command({ kind: 'cancel', by: 'someone' });
  await run.pass(30_000);
  expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
  expect(run.calls).toHaveLength(4);
});
