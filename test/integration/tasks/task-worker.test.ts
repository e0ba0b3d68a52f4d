import { taskStream } from '../../../lib/plan/task-names';
import { readWorkers } from '../../../runtime/adapters/jetstream/tasks/worker-directory';
import { waitFor } from '../../support/wait-for';
import { TaskPlace } from './task-place';

let place: TaskPlace;

beforeAll(async () => {
  place = await TaskPlace.start();
});
afterAll(() => place.close());

const typescript = {
  echo: 'export const echo = (ctx, input, parameters) => ({ input, parameters, step: ctx.step, attempt: ctx.attempt });',
  refuse:
    "export const refuse = () => { throw new TaskError('no-stock', 'none left', { details: { left: 0 }, retryAfterMs: 1500 }); };",
  stop: "export const stop = () => { throw new TerminalError('never'); };",
  fail: "export const fail = () => { throw new RangeError('once more'); };",
  exit: 'export const exit = () => process.exit(3);',
  large: "export const large = (ctx, { size }) => ({ text: 'x'.repeat(size) });",
  length: 'export const length = (ctx, { text }) => text.length;',
  nothing: 'export const nothing = () => undefined;',
  wait: `export const wait = (ctx) => new Promise((resolve, reject) => {
    ctx.heartbeat({ percent: 10 });
    ctx.signal.addEventListener('abort', () => reject(new Error('told')));
  });`,
  hang: 'export const hang = () => { for (;;); };',
  values: `const found = { nan: NaN, infinite: -Infinity, big: 2n ** 64n, none: [undefined] };
    export const values = (ctx, { as, value }) => {
      const given = { of: [found[value]] };
      if (as === 'progress') ctx.heartbeat(given);
      if (as === 'details') throw new TaskError('', 'see the details', { details: given, retryAfterMs: Infinity });
      return given;
    };`,
};

const python = {
  echo: 'def echo(ctx, input, **parameters):\n    return {"input": input, "parameters": parameters, "step": ctx.step, "attempt": ctx.attempt}\n',
  refuse:
    'def refuse(ctx, input):\n    raise TaskError("no-stock", "none left", details={"left": 0}, retry_after=1.5)\n',
  stop: 'def stop(ctx, input):\n    raise TerminalError("never")\n',
  fail: 'class RangeError(Exception):\n    pass\n\n\ndef fail(ctx, input):\n    raise RangeError("once more")\n',
  exit: 'import os\n\n\ndef exit(ctx, input):\n    os._exit(3)\n',
  large: 'async def large(ctx, input):\n    return {"text": "x" * input["size"]}\n',
  length: 'def length(ctx, input):\n    return len(input["text"])\n',
  nothing: 'def nothing(ctx, input):\n    pass\n',
  wait: 'def wait(ctx, input):\n    ctx.heartbeat({"percent": 10})\n    ctx.wait(3600)\n    raise RuntimeError("told")\n',
  hang: 'import threading\n\n\ndef hang(ctx, input):\n    threading.Event().wait()\n',
  values: `VALUES = {"nan": float("nan"), "infinite": -float("inf"), "big": 2**64, "none": {1, 2}}


def values(ctx, input):
    found = {"of": [VALUES[input["value"]]]}
    if input["as"] == "progress":
        ctx.heartbeat(found)
    if input["as"] == "details":
        raise TaskError("", "see the details", details=found, retry_after=float("inf"))
    return found
`,
};

describe.each([
  ['typescript', typescript],
  ['python', python],
] as const)('a worker in %s', (language, codes) => {
  const tasks = Object.fromEntries(
    Object.entries(codes).map(([name, code]) => [
      name,
      { code, ...(name === 'echo' ? { parameters: { to: 'all', cc: 1 } } : {}) },
    ]),
  );

  beforeAll(() => place.work(language, tasks, { language, concurrency: 4 }));

  const send = (name: string, more = {}) => place.send(`${language}:${name}`, more);

  test('runs a task with its input, and its parameters over the defaults', async () => {
    const id = await send('echo', { input: { a: 1 }, parameters: { cc: 2 }, attempt: 3, step: '3.17' });
    expect(await place.outputOf(id)).toEqual({
      input: { a: 1 },
      parameters: { to: 'all', cc: 2 },
      step: '3.17',
      attempt: 3,
    });
  });

  test('reports what the code throws, with its code, and whether another attempt can help', async () => {
    const [refused, stopped, failed] = await Promise.all([send('refuse'), send('stop'), send('fail')]);
    expect(await place.errorOf(refused)).toEqual({
      code: 'no-stock',
      message: 'none left',
      details: { left: 0 },
      retryAfterMs: 1500,
    });
    expect(await place.errorOf(stopped)).toEqual({ code: 'TerminalError', message: 'never', isTerminal: true });
    expect(await place.errorOf(failed)).toEqual({
      code: 'RangeError',
      message: 'once more',
      details: { trace: expect.stringContaining('once more') },
    });
  });

  test('a task that exits ends its own attempt, and the next runs in a new process', async () => {
    expect(await place.errorOf(await send('exit'))).toMatchObject({ code: 'host-exited' });
    expect(await place.outputOf(await send('length', { input: { text: 'abc' } }))).toBe(3);
  });

  test('a large value is a claim, which the next task resolves', async () => {
    const output = await place.outputOf(await send('large', { input: { size: 300_000 } }));
    expect(output).toEqual({ $claim: { key: expect.stringContaining('/output'), bytes: expect.any(Number) } });
    expect(await place.outputOf(await send('length', { input: output }))).toBe(300_000);
  });

  test('a task without a result has no output', async () => {
    expect(await place.resultOf(await send('nothing'))).not.toHaveProperty('output');
  });

  test('a receipt comes before the result, where the message asks for one', async () => {
    const id = await send('nothing', { wantsReceipt: true });
    await place.resultOf(id);
    expect(place.results.filter((result) => result.id === id).map(({ kind }) => kind)).toEqual([
      'receipt',
      'succeeded',
    ]);
  });

  test('progress arrives as heartbeats, and a cancel reaches the running task', async () => {
    const id = await send('wait');
    await waitFor('a heartbeat', () => place.heartbeats.some((beat) => beat.id === id && beat.progress !== undefined));
    place.cancel(id, language);
    expect(await place.errorOf(id)).toMatchObject({ code: 'canceled', isTerminal: true });
  });

  test('a task that runs for too long is killed', async () => {
    expect(await place.errorOf(await send('hang', { timeouts: { runMs: 200 } }))).toMatchObject({
      code: 'run-timeout',
    });
    expect(await place.outputOf(await send('length', { input: { text: 'ab' } }))).toBe(2);
  });

  describe.each(['nan', 'infinite', 'big', 'none'])('a value that JSON does not have (%s)', (value) => {
    test('as an output or as progress, fails the task and says so', async () => {
      const output = await place.errorOf(await send('values', { input: { as: 'output', value } }));
      expect(output).toMatchObject({
        code: 'output-invalid',
        message: expect.stringContaining('output'),
        isTerminal: true,
      });
      const progress = await place.errorOf(await send('values', { input: { as: 'progress', value } }));
      expect(progress).toMatchObject({ code: expect.stringMatching('(Type|Value)Error') });
    });

    test('in the details of an error, is shown', async () => {
      const error = await place.errorOf(await send('values', { input: { as: 'details', value } }));
      expect(error).toEqual({ code: 'TaskError', message: 'see the details', details: expect.stringContaining('of') });
    });
  });

  test('a task that nobody has fails at once', async () => {
    expect(await place.errorOf(await send('missing'))).toMatchObject({ code: 'task-unknown', isTerminal: true });
  });

  test('the worker is listed with its tasks and slots', async () => {
    const [entry] = await readWorkers(place.connection, 'prod', language);
    expect(entry).toMatchObject({ taskNamespace: language, slots: 4, language });
    expect(Object.keys(entry?.tasks ?? {})).toEqual(Object.keys(tasks));
  });

  test('no message is left in the stream of tasks', async () => {
    await waitFor('every task to be acked', async () => (await place.nats.count(taskStream('prod'))) === 0);
  });
});

describe('LF-37: two replicas of one task namespace', () => {
  test.each([
    ['typescript', 'export const who = (ctx) => ctx.execution;'],
    ['python', 'def who(ctx, input):\n    return ctx.execution\n'],
  ])('in %s each task is run by exactly one, and other namespaces never see it', async (language, code) => {
    const shared = `shared-${language}`;
    const tasks = { who: { code } };
    const one = await place.work(shared, tasks, { language, concurrency: 2 });
    const two = await place.work(shared, tasks, { language, concurrency: 2 });
    const other = await place.work(`other-${language}`, tasks, { language });
    const ids = await Promise.all(Array.from({ length: 40 }, () => place.send(`${shared}:who`)));
    const outputs = await Promise.all(ids.map((id) => place.outputOf(id)));
    expect(outputs).toEqual(ids.map((id) => id.split('/')[0]));
    for (const id of ids) expect(place.results.filter((result) => result.id === id)).toHaveLength(1);
    await Promise.all([one.stop(), two.stop(), other.stop()]);
    const succeeded = (log: readonly string[]) => Number(/(\d+) tasks succeeded/.exec(log.join())?.[1]);
    expect(succeeded(one.log) + succeeded(two.log)).toBe(40);
    expect(succeeded(other.log)).toBe(0);
  });
});

test('a worker that stops gives back what it has not ended, and the next one runs it', async () => {
  const code = 'export const slow = (ctx) => ctx.metadata.quick ? 1 : new Promise(() => undefined);';
  const first = await place.work('drained', { slow: { code } }, { language: 'typescript' });
  const id = await place.send('drained:slow', { metadata: {} });
  await waitFor('the task to run', () => first.log.some((line) => line.includes(`${id} begins`)));
  place.unneeded.add(id);
  await first.stop();
  expect(place.results.filter((result) => result.id === id)).toEqual([]);
  // the controller says that the task is not needed any more, so that nobody runs it again
  await place.work('drained', { slow: { code } }, { language: 'typescript' });
  await waitFor('the task to be acked', async () => (await place.nats.count(taskStream('prod'))) === 0);
  expect(place.results.filter((result) => result.id === id)).toEqual([]);
});

test('a task waits while the worker that has it restarts, and every live worker is listed', async () => {
  const code = 'export const pack = () => 1;';
  const language = { language: 'typescript' };
  const first = await place.work('parcel', { pack: { code } }, language);
  const other = await place.work('parcel', { send: { code: code.replace('pack', 'send') } }, language);
  const entries = () => readWorkers(place.connection, 'prod', 'parcel');
  expect((await entries()).map(({ tasks }) => Object.keys(tasks).join()).sort()).toEqual(['pack', 'send']);
  await first.stop();
  expect(await entries()).toHaveLength(1);
  const id = await place.send('parcel:pack');
  const consumer = () => place.manager.consumers.info(taskStream('prod'), 'parcel');
  await waitFor('several deliveries', consumer, ({ delivered }) => delivered.consumer_seq > 2);
  await place.work('parcel', { pack: { code } }, language);
  expect(await place.outputOf(id)).toBe(1);
  await other.stop();
});
