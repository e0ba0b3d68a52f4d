import type { ExecutionView } from '../../../runtime/api-contract/execution-status';
import { TaskFailure } from '../../support/bare-worker';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;
const by = { by: 'tester' };

beforeAll(async () => {
  place = await ExecutionPlace.open();
});

afterAll(async () => {
  await place?.close();
});

test('LF-26: a resume runs only what has not succeeded, with the original inputs', async () => {
  let isBroken = true;
  const worker = await place.worker(
    {
      A: () => ({ a: 1 }),
      B: ({ input }) => {
        if (isBroken) throw new TaskFailure({ code: 'broken', message: 'not yet' });
        return { b: input };
      },
    },
    'lf26',
  );
  const failed = await place.run('lf26:A → lf26:B', { x: 1 });
  expect(failed).toMatchObject({ status: 'Failed', error: { message: 'not yet' } });
  isBroken = false;
  await place.service.resume(failed, {}, by);
  const detail = await place.ended(failed);
  expect(detail).toMatchObject({ status: 'Completed', run: 2, output: { b: { a: 1 } } });
  expect(worker.names).toEqual(['lf26:A', 'lf26:B', 'lf26:B']);
});

test('LF-29: of a resume and a delete at the same time, one is done, and the id is free after the delete', async () => {
  let isBroken = true;
  await place.worker(
    {
      A: () => {
        if (isBroken) throw new TaskFailure({ code: 'broken', message: 'not yet' });
        return { a: 1 };
      },
    },
    'lf29',
  );
  const ids = Array.from({ length: 12 }, (_, index) => `both-${index}`);
  await Promise.all(ids.map(async (id) => place.ended((await place.start('lf29:A', {}, id)).execution)));
  isBroken = false;
  const outcomes = ids.map(async (execution) => {
    const key = { namespace: place.namespace, execution };
    const both = [place.service.resume(key, {}, by), place.service.delete(key, by)];
    const [resumed, deleted] = await Promise.allSettled(both);
    const isDeleted = deleted?.status === 'fulfilled';
    expect([execution, resumed?.status === 'fulfilled']).toEqual([execution, !isDeleted]);
    if (isDeleted) await place.start('lf29:A', {}, execution);
    return place.ended(key);
  });
  for (const detail of await Promise.all(outcomes))
    expect(detail).toMatchObject({ status: 'Completed', output: { a: 1 } });
});

test('LF-27: a cancel lets the running task end, starts nothing more, and a resume goes on', async () => {
  let finish: (value: unknown) => void = () => undefined;
  let isTold = false;
  const worker = await place.worker(
    {
      A: (_task, signal) => {
        signal.addEventListener('abort', () => {
          isTold = true;
          finish({ a: 1 });
        });
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
      B: ({ input }) => input,
    },
    'lf27',
  );
  const { execution } = await place.start('lf27:A → lf27:B');
  await place.until(execution, () => worker.begun.length === 1);
  expect(await place.service.cancel(execution, {}, by)).toMatchObject({
    status: 'Stopping',
    reason: 'canceled by tester',
  });
  expect(await place.ended(execution)).toMatchObject({ status: 'Stopped' });
  expect(isTold).toBe(true);
  expect(worker.names).toEqual(['lf27:A']);
  await place.service.resume(execution, {}, by);
  expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: { a: 1 } });
  await expect(place.service.resume(execution, {}, by)).rejects.toMatchObject({
    code: 'state-invalid',
    message: expect.stringContaining('Completed'),
  });
});

test('a step that a person ends stops on its worker, and a wait is over before its time', async () => {
  const value = { text: 'x'.repeat(100_000) };
  let isTold = false;
  const worker = await place.worker(
    {
      A: (_task, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            isTold = true;
            resolve({ by: 'worker' });
          });
        }),
      B: ({ input }) => input,
    },
    'byhand',
  );
  const { execution } = await place.start('byhand:A → wait:delay(- duration: 1d -) → byhand:B');
  await place.until(execution, () => worker.begun.length === 1);
  await place.service.endStep(execution, { step: '1', output: value }, by);
  await place.until(execution, ({ steps }) => steps.some(({ step, waits }) => step === '2' && waits !== undefined));
  await expect(place.service.endStep(execution, { step: '1' }, by)).rejects.toMatchObject({ code: 'step-missing' });
  await place.service.endStep(execution, { step: '2' }, by);
  expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: value });
  await waitFor('the worker to be told', async () => isTold, Boolean);
});

test('executions that are resumed as soon as they are read as ended run', async () => {
  let isBroken = true;
  const act = () => {
    if (isBroken) throw new TaskFailure({ code: 'broken', message: 'not yet' });
    return {};
  };
  await place.worker({ A: act }, 'soon');
  const ids = Array.from({ length: 30 }, (_, number) => `soon-${number}`);
  const failed = await Promise.all(ids.map(async (id) => place.ended((await place.start('soon:A', {}, id)).execution)));
  expect(new Set(failed.map(({ status }) => status))).toEqual(new Set(['Failed']));
  isBroken = false;
  const resumed = failed.map(async (each) => {
    await place.service.resume(each, {}, by);
    return place.ended(each);
  });
  const statuses = (await Promise.all(resumed)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set(['Completed']));
});

test('executions that are deleted and started again as soon as they are read as ended run', async () => {
  const worker = await place.worker({ A: ({ input }) => ({ of: input }) }, 'twice');
  const ids = Array.from({ length: 10 }, (_, number) => `twice-${number}`);
  for (const round of [1, 2, 3]) {
    const ended = ids.map(async (id) => place.ended((await place.start('twice:A', { round }, id)).execution));
    const details = await Promise.all(ended);
    expect(details.map(({ output }) => output)).toEqual(ids.map(() => ({ of: { round } })));
    await Promise.all(details.map((each) => place.service.delete(each, by)));
  }
  expect(new Set(worker.begun.map(({ id }) => id)).size).toBe(30);
});

test('a wait goes on when Temporal is killed, until the execution has ended', async () => {
  let finish: (value: unknown) => void = () => undefined;
  const worker = await place.worker({ A: () => new Promise((resolve) => (finish = resolve)) }, 'away');
  const { execution } = await place.start('away:A');
  await place.until(execution, () => worker.begun.length === 1);
  const waits = [1, 2].map(() => place.service.wait(execution, 300_000, AbortSignal.timeout(300_000)));
  for (let round = 0; round < 2; round++) {
    const pid = place.controller.temporal.pid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await waitFor('Temporal', async () => (await place.service.get(execution)).status === 'Running');
  }
  finish({ a: 1 });
  const ends = (await Promise.all(waits)).map(({ status, output }) => ({ status, output }));
  expect(ends).toEqual(waits.map(() => ({ status: 'Completed', output: { a: 1 } })));
});

test('a cancel in Temporal cancels the execution, and commands are still taken', async () => {
  let finish: (value: unknown) => void = () => undefined;
  await place.worker({ A: () => new Promise((resolve) => (finish = resolve)), bye: () => ({}) }, 'there');
  const { execution } = await place.start('there:A → there:B; @finally approve(- title: Clean up? -)');
  await place.until(execution, ({ steps }) => steps.some(({ status }) => status === 'running'));
  await place.controller.cancelExecution(execution);
  await place.until(execution, ({ status }) => status === 'Stopping');
  finish({});
  await place.until(execution, ({ steps }) => steps.some(({ waits }) => waits?.for === 'approval'));
  await place.service.approve(execution, { decision: 'approve', answers: {} }, by);
  expect(await place.ended(execution)).toMatchObject({ status: 'Stopped', reason: 'canceled by temporal' });
});

test('an execution whose workflow is gone has failed, and can be resumed with its flow, or deleted', async () => {
  await place.worker({ B: ({ input }) => input }, 'gone');
  const flow = 'gone:A → gone:B';
  const started = await Promise.all(['gone-1', 'gone-2'].map((id) => place.start(flow, { x: 1 }, id)));
  for (const { execution } of started) await place.controller.loseExecution(execution);
  const [first, second] = started.map(({ execution }) => execution) as [ExecutionView, ExecutionView];
  const lost = await place.until(first, ({ status }) => status === 'Failed');
  expect(lost).toMatchObject({ error: { code: 'execution-lost' }, reason: 'its workflow is gone from Temporal' });
  await expect(place.service.cancel(second, {}, by)).rejects.toMatchObject({ code: 'state-invalid' });
  await expect(place.service.terminate(second, by)).rejects.toMatchObject({ code: 'state-invalid' });
  await place.service.delete(second, by);
  await expect(place.service.resume(first, {}, by)).rejects.toMatchObject({ code: 'state-invalid' });
  await place.service.resume(first, { flow: 'gone:B', input: { x: 2 } }, by);
  expect(await place.ended(first)).toMatchObject({ status: 'Completed', output: { x: 2 } });
});

test('an execution whose workflow is gone is listed as failed, though nobody has read it', async () => {
  const { execution } = await place.start('gone:A', {}, 'gone-3');
  await place.controller.loseExecution(execution);
  const listed = async () => (await place.service.list(place.namespace, { status: 'Failed', limit: 100 })).executions;
  await waitFor('the list to say so', listed, (views) => views.some((view) => view.execution === 'gone-3'));
});

test('LF-29: an execution is deleted once it has ended', async () => {
  const { execution } = await place.start('wait:event(- event: never -)');
  await expect(place.service.delete(execution, by)).rejects.toMatchObject({ code: 'state-invalid' });
  expect(await place.service.terminate(execution, by)).toMatchObject({
    status: 'Stopped',
    reason: 'terminated by tester',
  });
  await place.ended(execution);
  await place.service.delete(execution, by);
  await expect(place.service.get(execution)).rejects.toMatchObject({ code: 'execution-missing' });
  expect((await place.start('wait:acquire(- name: again -)', {}, execution.execution)).outcome).toBe('started');
});

test('LF-30: a restored archive equals the original, is stopped, and can be resumed', async () => {
  await place.worker({ A: () => ({ a: 1 }), B: ({ input }) => input }, 'lf30');
  const { execution } = await place.start('lf30:A → wait:event(- event: go30 -) → lf30:B', { x: 1 });
  await place.until(execution, ({ steps }) =>
    steps.some(({ name, status }) => name === 'wait:event' && status === 'running'),
  );
  await place.service.terminate(execution, by);
  const original = await place.ended(execution);
  const archive = JSON.parse(JSON.stringify(await place.service.archive(execution)));
  const copy = await place.service.restore(place.namespace, { archive, id: 'copy' }, by);
  expect(copy).toMatchObject({ execution: 'copy', status: 'Stopped' });
  const restored = await place.service.get(copy);
  expect(restored.steps).toEqual(original.steps);
  expect(await place.service.trace(copy)).toHaveLength((await place.service.trace(execution)).length + 1);
  await expect(place.service.restore(place.namespace, { archive, id: 'copy' }, by)).rejects.toMatchObject({
    code: 'execution-exists',
  });
  await place.service.resume(copy, {}, by);
  await place.until(copy, ({ steps }) =>
    steps.some(({ name, status }) => name === 'wait:event' && status === 'running'),
  );
  await place.service.publishEvent(place.namespace, { kind: 'go30', data: {}, output: { go: 1 } }, by);
  expect(await place.ended(copy)).toMatchObject({ status: 'Completed', output: { go: 1 } });
});

test('LF-39: 60 executions are listed in pages, the newest first', async () => {
  const flow = '@flow listed wait:acquire(- name: listed -)';
  const started = [];
  for (let at = 0; at < 60; at++) started.push((await place.start(flow, { at })).execution.execution);
  const query = { name: 'listed', limit: 50 };
  const first = await place.service.list(place.namespace, query);
  expect(first.executions).toHaveLength(50);
  const second = await place.service.list(place.namespace, { ...query, continue: first.continue });
  expect(second.continue).toBeUndefined();
  const listed = [...first.executions, ...second.executions].map(({ execution }) => execution);
  expect(new Set(listed)).toEqual(new Set(started));
});

test('a map of 2,000 items runs in runs of the workflow, and its results are in order', async () => {
  const many = await ExecutionPlace.open('many', { historyLength: 300 });
  try {
    await many.worker({ one: ({ input }) => ({ twice: 2 * (input as number) }) });
    const items = Array.from({ length: 2_000 }, (_, at) => at);
    const detail = await many.run('* one → > two', items);
    expect(detail).toMatchObject({ status: 'Failed', error: { code: 'task-unknown' } });
    const map = detail.steps.find(({ kind }) => kind === 'map');
    expect(map).toMatchObject({ status: 'succeeded', items: { total: 2_000, succeeded: 2_000 } });
    expect(map?.output).toEqual(items.map((item) => ({ twice: 2 * item })));
  } finally {
    await many.close();
  }
});
