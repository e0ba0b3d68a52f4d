import { ExecutionStage, type SentOrder } from '../../../support/execution-stage';

const stage = () => new ExecutionStage();

test('LF-01: tasks start one after the other, each with the output of the one before', async () => {
  const run = await stage().start('A → B → C', { x: 1 });
  for (const name of ['A', 'B', 'C']) await run.succeed(name, { by: name });
  expect(run.names).toEqual(['A', 'B', 'C']);
  expect(run.order('A').input).toEqual({ x: 1 });
  expect(run.order('C').input).toEqual({ by: 'B' });
  expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { by: 'C' } });
  expect(run.kept).toEqual(run.ended);
});

test('LF-25: a failure starts nothing more, and the results of siblings are kept', async () => {
  const run = await stage().start('{ A B } → C');
  await run.fail('A', { message: 'r' });
  expect(run.ended).toBeUndefined();
  await run.succeed('B', { b: 1 });
  expect(run.ended?.state.outcome).toMatchObject({
    status: 'failed',
    error: { code: 'broken', message: 'r', attempts: 1 },
  });
  expect(run.names).toEqual(['A', 'B']);
  expect(Object.values(run.ended?.state.steps ?? {})).toContainEqual({ status: 'succeeded', output: { b: 1 } });
});

test('LF-26: a resume runs what has not succeeded, with the original inputs', async () => {
  const run = await stage().start('A → B', { x: 1 });
  await run.succeed('A', { a: 1 });
  await run.fail('B');
  await run.resume();
  expect(run.names).toEqual(['A', 'B', 'B']);
  expect(run.order('B')).toMatchObject({ input: { a: 1 }, attempt: 1, run: 2 });
  await run.succeed('B', { b: 1 });
  expect(run.ended).toMatchObject({ run: 2, state: { outcome: { status: 'completed', output: { b: 1 } } } });
});

test('LF-31: reports of ended steps and of earlier attempts and runs change nothing', async () => {
  const run = await stage().start('@task A with (- retry: {attempts: 3, jitter: false} -) A → B');
  const first = run.order('A');
  await run.fail(first);
  await run.pass(1_000);
  await run.succeed(first, { late: true });
  expect(run.names).toEqual(['A', 'A']);
  await run.succeed('A', { a: 2 });
  await run.succeed('A', { a: 2 });
  expect(run.names).toEqual(['A', 'A', 'B']);
  await run.fail('B');
  const old = run.order('B');
  await run.resume();
  await run.succeed(old, { old: true });
  expect(run.ended).toBeUndefined();
});

describe('retries', () => {
  const flow = '@task A with (- retry: {attempts: 3, backoff: 1s, factor: 3, jitter: false, except: [fatal]} -) A';

  test('wait for the backoff, and end with the last error', async () => {
    const run = await stage().start(flow);
    await run.fail('A');
    await run.pass(999);
    expect(run.sent).toHaveLength(1);
    await run.pass(1);
    expect(run.order('A').attempt).toBe(2);
    await run.fail('A');
    await run.pass(2_999);
    expect(run.sent).toHaveLength(2);
    await run.pass(1);
    await run.fail('A', { message: 'the last one' });
    expect(run.ended?.state.outcome).toMatchObject({ error: { message: 'the last one', attempts: 3 } });
  });

  test.each([
    ['a code of except', { code: 'fatal' }],
    ['a terminal failure', { isTerminal: true }],
  ])('end at %s', async (_, error) => {
    const run = await stage().start(flow);
    await run.fail('A', error);
    expect(run.ended?.state.outcome).toMatchObject({ status: 'failed', error: { attempts: 1 } });
  });

  test('start when the failure says', async () => {
    const run = await stage().start(flow);
    await run.fail('A', { retryAfterMs: 60_000 });
    await run.pass(59_999);
    expect(run.sent).toHaveLength(1);
    await run.pass(1);
    expect(run.sent).toHaveLength(2);
  });
});

describe('timeouts', () => {
  test('a task that no worker takes in time is withdrawn, and tried again', async () => {
    const run = await stage().start('@task A with (- {timeout: {start: 5s}, retry: {attempts: 2, jitter: false}} -) A');
    await run.pass(5_000);
    expect(run.withdrawn).toMatchObject([{ id: 'e/1/1/1', sequence: 1 }]);
    await run.pass(1_000);
    await run.take('A');
    await run.pass(60_000);
    await run.succeed('A');
    expect(run.ended?.state.outcome?.status).toBe('completed');
  });

  test('a task whose worker does not end it in time fails', async () => {
    const run = await stage().start('@task A with (- timeout: {run: 10s} -) A');
    await run.pass(100_000);
    expect(run.ended).toBeUndefined(); // no worker has begun
    await run.take('A');
    await run.pass(15_000);
    expect(run.ended?.state.outcome).toMatchObject({ error: { code: 'run-timeout' } });
  });

  test('total limits all attempts together', async () => {
    const run = await stage().start('@task A with (- {timeout: {total: 10s}, retry: {attempts: 9, backoff: 8s}} -) A');
    await run.fail('A');
    await run.pass(10_000);
    expect(run.ended?.state.outcome).toMatchObject({ error: { code: 'total-timeout' } });
  });
});

describe('cancel', () => {
  test('LF-27: what runs may end, what follows does not start, and a resume starts it', async () => {
    const run = await stage().start('A → B');
    await run.take('A');
    await run.command({ kind: 'cancel', by: 'someone' });
    expect(run.ended).toBeUndefined();
    await run.succeed('A', { a: 1 });
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
    expect(run.names).toEqual(['A']);
    await run.resume();
    expect(run.order('B').input).toEqual({ a: 1 });
  });

  test('ends at once when no worker has a task, and gives up the others after the grace', async () => {
    const run = await stage().start('{ A B }');
    await run.take('A');
    await run.command({ kind: 'cancel', by: 'someone' });
    expect(run.withdrawn).toHaveLength(2);
    await run.pass(29_999);
    expect(run.ended).toBeUndefined();
    await run.pass(1);
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
  });

  test('runs @finally after the running tasks, and a second cancel does not stop it', async () => {
    const run = await stage().start('A → B @finally Clean');
    await run.take('A');
    await run.command({ kind: 'cancel', by: 'someone' });
    await run.succeed('A', { a: 1 });
    expect(run.order('Clean').input).toMatchObject({ results: { A: { a: 1 } } });
    await run.take('Clean');
    await run.command({ kind: 'cancel', by: 'someone' });
    await run.pass(3_600_000);
    await run.succeed('Clean');
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
  });

  test('terminate ends the execution at once, and tells the workers', async () => {
    const run = await stage().start('{ A B } @finally Clean');
    await run.take('A');
    await run.command({ kind: 'terminate', by: 'someone' });
    expect(run.ended).toMatchObject({ isTerminated: true, state: { outcome: { status: 'canceled' } } });
    expect(run.withdrawn).toHaveLength(2);
    expect(run.names).not.toContain('Clean');
  });

  test('does not retry a task that fails because it was told to stop', async () => {
    const run = await stage().start('@task A with (- retry: {attempts: 5} -) A');
    await run.take('A');
    await run.command({ kind: 'cancel', by: 'someone' });
    await run.fail('A', { code: 'canceled' });
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
    expect(run.sent).toHaveLength(1);
  });
});

describe('LF-33: wait:delay', () => {
  test('ends at its time, over runs of the workflow too', async () => {
    const run = stage();
    run.continuesAlways = true;
    await run.start('{ wait:delay(- duration: 5 -) B } → A', { x: 1 });
    await run.pass(2_000);
    await run.succeed('B', { b: 1 });
    expect(run.runs).toBe(2);
    await run.pass(2_999);
    expect(run.names).toEqual(['B']);
    await run.pass(1);
    expect(run.order('A').input).toEqual([{ x: 1 }, { b: 1 }]);
  });
});

describe('approvals', () => {
  const flow = `approve(-
  title: Ship it?
  form: {size: {type: number, required: true}}
  deadline: 2d
  otherwise: reject
-) → A`;

  test('pass the answers on, and refuse those that do not fit the form', async () => {
    const run = await stage().start(flow);
    const decide = { kind: 'decide', isApproved: true, by: 'boss' } as const;
    await expect(run.command({ ...decide, answers: {} })).rejects.toThrow('answers-invalid: answers.size: missing');
    await expect(run.command({ ...decide, answers: { size: 'big' } })).rejects.toThrow(
      'answers.size: must be a number',
    );
    await expect(run.command({ ...decide, step: '7', answers: { size: 1 } })).rejects.toThrow(
      'step-missing: the step 7',
    );
    await run.command({ ...decide, answers: { size: 1 } });
    expect(run.order('A').input).toEqual({
      isApproved: true,
      answers: { size: 1 },
      by: 'boss',
      at: '2026-01-31T08:00:00.000Z',
    });
  });

  test('are rejected at the deadline, never approved', async () => {
    const run = await stage().start(flow);
    await run.pass(2 * 86_400_000);
    expect(run.order('A').input).toMatchObject({ isApproved: false, reason: 'deadline' });
  });

  test('fail at the deadline if the flow says so', async () => {
    const run = await stage().start(flow.replace('reject', 'fail'));
    await run.pass(2 * 86_400_000);
    expect(run.ended?.state.outcome).toMatchObject({ status: 'failed', error: { code: 'approval-expired' } });
  });
});

describe('a step that a person ends', () => {
  const end = { kind: 'end', by: 'boss' } as const;

  test('has succeeded: its worker is told to stop, and what it reports later changes nothing', async () => {
    const run = await stage().start('A → B');
    await run.take('A');
    const taken = run.order('A');
    await run.command({ ...end, step: '1', output: { by: 'hand' } });
    expect(run.withdrawn).toMatchObject([{ task: 'A' }]);
    await run.succeed(taken, { by: 'worker' });
    expect(run.order('B').input).toEqual({ by: 'hand' });
    await run.succeed('B');
    expect(run.ended?.log).toMatchObject([{ what: 'started' }, { what: 'ended', step: '1', by: 'boss' }, {}]);
  });

  test('has failed, and is not tried again', async () => {
    const run = await stage().start('@task A with (- retry: {attempts: 5} -) A catch B');
    await run.command({ ...end, step: '1', error: { code: 'given-up', message: 'no use' } });
    expect(run.names).toEqual(['A', 'B']);
    expect(run.order('B').input).toMatchObject({ error: { code: 'given-up', message: 'no use' } });
  });

  test('has an empty output if it is a task, and its input if it is a wait', async () => {
    const run = await stage().start('wait:delay(- duration: 1d -) → A → B', { x: 1 });
    await run.command({ ...end, step: '1' });
    expect(run.order('A').input).toEqual({ x: 1 });
    await run.command({ ...end, step: '2' });
    expect(run.order('B').input).toEqual({});
  });

  test('is not gone on from by the worker that had it', async () => {
    const run = await stage().start('A → B');
    await run.take('A');
    const followed = run.following(run.order('A'));
    if (followed === undefined) throw new Error('nothing follows in the message');
    await run.command({ ...end, step: '1' });
    expect(run.names).toEqual(['A', 'B']);
    expect(run.answer(followed)).toBe(false);
    await run.succeed(followed, { by: 'worker' });
    await run.succeed('B', { by: 'message' });
    expect(run.ended?.state.outcome).toMatchObject({ status: 'completed', output: { by: 'message' } });
  });

  test('must run, and is not an approval', async () => {
    const run = await stage().start('{ A approve(- { title: ok } -) } → B');
    await expect(run.command({ ...end, step: '9' })).rejects.toThrow('step-missing: the step 9 is not running');
    await expect(run.command({ ...end, step: '3' })).rejects.toThrow('waits for a decision');
  });
});

describe('limits', () => {
  const flow = '@task A with (- {concurrency: 1, retry: {attempts: 2, jitter: false}} -) A → B';

  test('an attempt without a place waits for it, and every attempt gives its place back', async () => {
    const run = stage();
    run.admission = () => ({ kind: 'waits' });
    await run.start(flow);
    expect(run.sent).toHaveLength(0);
    run.admission = () => ({ kind: 'admitted' });
    const place = { step: '1', attempt: 1, run: 1 } as SentOrder;
    await run.report(place, { kind: 'place' });
    await run.report(place, { kind: 'place' });
    expect(run.sent).toHaveLength(1);
    await run.fail('A');
    expect(run.left).toMatchObject([{ step: '1', attempt: 1 }]);
    await run.pass(1_000);
    await run.succeed('A');
    expect(run.left).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(run.order('B').attempt).toBe(1);
  });

  test('a terminate gives places back, also those that are waited for', async () => {
    const run = stage();
    run.admission = () => ({ kind: 'waits' });
    await run.start(flow);
    await run.command({ kind: 'terminate', by: 'someone' });
    expect(run.left).toMatchObject([{ step: '1', attempt: 1 }]);
  });

  test('an attempt starts at the time that its rate has given, as the same attempt', async () => {
    const run = stage();
    const at = run.nowMs + 7_000;
    run.admission = ({ rate }) => (rate === undefined ? { kind: 'admitted' } : { kind: 'later', atMs: at });
    await run.start('@task A with (- rate: {limit: 1, per: 10s} -) A');
    await run.pass(6_999);
    expect(run.sent).toHaveLength(0);
    await run.pass(1);
    expect(run.order('A').attempt).toBe(1);
  });

  test('a result that is known is taken instead of a run, and a new one is remembered', async () => {
    const memoized = "@task A with (- memoize: {key: '{input[id]}'} -) A";
    const first = stage();
    await first.start(memoized, { id: 7 });
    await first.succeed('A', { a: 1 });
    expect(first.left).toEqual([{ step: '1', attempt: 1, output: { value: { a: 1 } } }]);
    const second = stage();
    second.admission = ({ memoize }) => ({ kind: 'known', output: { of: memoize?.key } });
    await second.start(memoized, { id: 7 });
    expect(second.sent).toHaveLength(0);
    expect(second.ended?.state.outcome).toEqual({ status: 'completed', output: { of: '7' } });
  });
});

describe('heartbeats', () => {
  const flow = '@task A with (- timeout: {heartbeat: 10s} -) A';

  test('a task without them fails, once a worker has begun', async () => {
    const run = await stage().start(flow);
    await run.pass(60_000);
    expect(run.ended).toBeUndefined();
    await run.take('A');
    await run.pass(10_000);
    expect(run.ended?.state.outcome).toMatchObject({ error: { code: 'heartbeat-timeout' } });
  });

  test('a task with them runs on', async () => {
    const run = await stage().start(flow);
    await run.take('A');
    await run.pass(8_000);
    run.heartbeats.set('e/1/1/1', run.nowMs);
    await run.pass(9_999);
    expect(run.ended).toBeUndefined();
    await run.pass(1);
    expect(run.ended?.state.outcome).toMatchObject({ error: { code: 'heartbeat-timeout' } });
  });
});

describe.each([false, true])(
  'a report that comes before its attempt has begun, in new runs of the workflow: %s,',
  (continuesAlways) => {
    const ahead = (step: string, attempt: number) => ({ step, attempt, run: 1 }) as SentOrder;
    const opened = () => Object.assign(stage(), { continuesAlways });

    test('ends the step when it begins', async () => {
      const run = await opened().start('A → B → C');
      expect(run.isWaitingFor(ahead('2', 1))).toBe(true);
      await run.report(ahead('2', 1), { kind: 'succeeded', output: { b: 1 } });
      await run.succeed('A');
      expect(run.status('2')).toBe('succeeded');
      expect(run.order('C').input).toEqual({ b: 1 });
      expect(run.isWaitingFor(ahead('1', 1))).toBe(false);
    });

    test('ends the next attempt', async () => {
      const run = await opened().start('A with (- retry: {attempts: 2, backoff: 1s, jitter: false} -)');
      await run.report(ahead('1', 2), { kind: 'succeeded', output: { second: true } });
      expect(run.ended).toBeUndefined();
      await run.report(ahead('1', 1), { kind: 'failed', error: { code: 'x', message: 'y' } });
      await run.pass(1_000);
      expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { second: true } });
    });

    test('ends a wait', async () => {
      const run = await opened().start('A → wait:event(- event: e -)');
      await run.report(ahead('2', 0), { kind: 'succeeded', output: { e: 1 } });
      await run.succeed('A');
      expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { e: 1 } });
      expect(run.waits.ended).toEqual(['2']);
    });
  },
);

describe('waits for events and latches', () => {
  test('end with the output of the event, or with the input', async () => {
    const run = await stage().start('{ wait:event(- event: e -) wait:countdown(- name: n -) } → A', { x: 1 });
    const [event, latch] = ['2', '3'].map((step) => ({ step, attempt: 0, run: 1 }) as SentOrder);
    if (event === undefined || latch === undefined) throw new Error('no steps');
    await run.report(event, { kind: 'succeeded', output: { e: 1 } });
    await run.report(latch, { kind: 'succeeded' });
    await run.report(latch, { kind: 'succeeded', output: { again: 1 } });
    expect(run.order('A').input).toEqual([{ e: 1 }, { x: 1 }]);
  });

  test('count events since the server took the start, however late the first move is', async () => {
    const run = stage();
    const takenMs = run.takenMs;
    run.nowMs += 10_000;
    let sinceMs: number | undefined;
    run.waits.begin = ({ executionMs }) => {
      sinceMs = executionMs;
      return { kind: 'waits' };
    };
    await run.start('wait:event(- {event: e, from: start} -)');
    expect(sinceMs).toBe(takenMs);
  });

  test('are given up when the execution is canceled', async () => {
    const run = await stage().start('wait:event(- event: e -)');
    await run.command({ kind: 'cancel', by: 'someone' });
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
    expect(run.waits.ended).toEqual(['1']);
  });

  test('LF-36: a template without its value fails the step with a reason', async () => {
    const run = await stage().start("wait:acquire(- name: '{input[key]}' -)", { other: 1 });
    expect(run.ended?.state.outcome).toMatchObject({
      error: { code: 'input-invalid', message: expect.stringContaining('key') },
    });
  });
});

describe('steps that a controller runs', () => {
  test('pass their result on, are retried, and keep the workflow from continuing until they end', async () => {
    const run = stage();
    run.continuesAlways = true;
    await run.start(
      "@task request:get with (- {retry: {attempts: 2, jitter: false}} -); { request:get(- url: 'http://a' -) B } → A",
    );
    await run.succeed('B', { b: 1 });
    expect(run.runs).toBe(1);
    run.calls[0]?.resolve({ kind: 'failed', code: 'request-failed', message: 'status 500' });
    await run.settle();
    await run.pass(1_000);
    run.calls[1]?.resolve({ kind: 'succeeded', output: { r: 1 } });
    await run.settle();
    expect(run.order('A').input).toEqual([{ r: 1 }, { b: 1 }]);
  });

  test('resources are loaded first and stored last', async () => {
    const run = await stage().start('<http://a/x> → A → <http://a/y>');
    expect(run.calls[0]).toMatchObject({ base: 'load', uri: 'http://a/x' });
    run.calls[0]?.resolve({ kind: 'succeeded', output: { x: 1 } });
    await run.settle();
    expect(run.order('A').input).toEqual({ x: 1 });
    await run.succeed('A', { y: 2 });
    expect(run.calls[1]).toMatchObject({ base: 'store', uri: 'http://a/y', input: { y: 2 } });
    run.calls[1]?.resolve({ kind: 'succeeded' });
    await run.settle();
    expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { y: 2 } });
  });

  test('end at once with a cancel', async () => {
    const run = await stage().start("request:get(- url: 'http://a' -)");
    await run.command({ kind: 'cancel', by: 'someone' });
    expect(run.ended?.state.outcome).toEqual({ status: 'canceled' });
  });
});

test('a signal that comes twice counts once, and what was not received is known, over runs of the workflow too', async () => {
  const run = stage();
  run.continuesAlways = true;
  await run.start('@task A with (- retry: {attempts: 5, backoff: 1s, jitter: false} -) A → B');
  const mark = (number: number) => ({ sender: 's', number });
  const failed = { kind: 'failed', error: { code: 'busy', message: 'busy' } } as const;
  await run.report(run.order('A'), failed, mark(1));
  await run.pass(10_000);
  const second = run.order('A');
  expect(second.attempt).toBe(2);
  await run.report(second, failed, mark(1));
  await run.pass(10_000);
  expect([run.order('A').attempt, run.runs > 1]).toEqual([2, true]);
  await run.report(second, { kind: 'succeeded', output: {} }, mark(3));
  expect(run.unreceived([1, 2, 3, 4].map(mark))).toEqual([2, 4]);
  await run.succeed('B');
  expect(run.snapshot().state.outcome).toMatchObject({ status: 'completed' });
});

test('an execution continues in new runs of its workflow as if it were one', async () => {
  const run = stage();
  run.continuesAlways = true;
  await run.start('A → * B → C', {});
  await run.succeed('A', [1, 2, 3]);
  for (const order of run.sent.filter(({ name }) => name === 'B')) await run.succeed(order, { b: order.input });
  await run.succeed('C', { c: 1 });
  expect(run.runs).toBeGreaterThan(3);
  expect(run.order('C').input).toEqual([{ b: 1 }, { b: 2 }, { b: 3 }]);
  expect(run.ended?.state.outcome).toEqual({ status: 'completed', output: { c: 1 } });
});
