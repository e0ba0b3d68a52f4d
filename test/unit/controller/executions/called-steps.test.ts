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
