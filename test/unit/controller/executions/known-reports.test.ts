import { ExecutionStage } from '../../../support/execution-stage';

/** A controller has sent the task, and was killed before the workflow knew; another one does the same again. */
const success = { kind: 'succeeded', attempt: 1, at: '', worker: 'w' } as const;

test('a first task that has succeeded before the workflow has sent it is not sent again', async () => {
  const run = new ExecutionStage();
  run.early.push({ ...success, step: '1', run: 1, output: { a: 1 } });
  await run.start('A → B');
  expect(run.names).toEqual(['B']);
  expect(run.order('B').input).toEqual({ a: 1 });
});

test('nor are the tasks with which a worker has gone on', async () => {
  const run = new ExecutionStage();
  run.early.push({ ...success, step: '2', run: 1, head: '1/1', output: { b: 1 } });
  run.early.push({ ...success, step: '1', run: 1, output: { a: 1 }, continues: true });
  await run.start('A → B');
  expect(run.names).toEqual([]);
  expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { b: 1 } });
});

test('nor is a task that a timer has started', async () => {
  const run = await new ExecutionStage().start('wait:delay(- duration: 5 -) → A → B');
  await run.report({ step: '2', attempt: 1, run: 1 }, { kind: 'succeeded', output: { a: 1 } });
  expect(run.names).toEqual([]);
  await run.pass(5_000);
  expect(run.names).toEqual(['B']);
});

test('nor is a task whose result is stored and not with the execution yet: that is waited for', async () => {
  const run = new ExecutionStage();
  run.reported.add('1/1');
  await run.start('A → B');
  expect(run.names).toEqual([]);
  await run.pass(60_000);
  await run.report({ step: '1', attempt: 1, run: 1 }, { kind: 'failed', error: { code: 'broken', message: 'no' } });
  expect(run.ended?.state.outcome).toMatchObject({ status: 'failed', error: { code: 'broken' } });
});

test('and what is canceled meanwhile ends with its result', async () => {
  const run = new ExecutionStage();
  run.reported.add('1/1');
  await run.start('A → B');
  await run.command({ kind: 'cancel', by: 'someone' });
  expect(run.ended).toBeUndefined();
  await run.report({ step: '1', attempt: 1, run: 1 }, success);
  expect(run.ended?.state).toMatchObject({ outcome: { status: 'canceled' }, steps: { 1: { status: 'succeeded' } } });
});
