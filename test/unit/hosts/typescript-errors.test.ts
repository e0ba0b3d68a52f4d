import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { HostRun, numbered, recordOf, withHost } from '../../support/host-run';

/** Errors of TypeScript code that no function throws to its caller, and ends that it does not announce. */
const run = (code: string, body: (host: HostRun) => Promise<void>, spec: Partial<FunctionSpec> = {}) =>
  withHost(code, body, { language: 'typescript', schema: numbered, ...spec });

const records = (count: number) => Array.from({ length: count }, (_, n) => recordOf(n, numbered, { n }));

/** Opens a host that will crash, so that it is not closed. */
async function crash(code: string, spec: Partial<FunctionSpec> = {}, env = process.env): Promise<HostRun> {
  const host = new HostRun({ language: 'typescript', schema: numbered, code, ...spec }, { env });
  await host.host.open();
  host.host.process(records(5));
  await host.until(() => host.crashes.length > 0);
  expect(host.faults).toEqual([]);
  return host;
}

test.each([
  ['is rejected', 'void Promise.reject(new TypeError("alone"))'],
  ['is rejected later', 'void Promise.resolve().then(() => { throw new TypeError("alone"); })'],
  ['is thrown in the next tick', 'globalThis.process.nextTick(() => { throw new TypeError("alone"); })'],
])('fails the record whose error %s although its function has returned, and no other', (_title, statement) =>
  run(`function process(ctx, event) { if (event.n === 2) { ${statement}; } return event; }`, async (host) => {
    await host.processAll(numbered, [{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
    expect(host.failureOf(2)).toMatchObject({ type: 'TypeError', message: 'alone' });
    expect(host.outputsOf(2)).toEqual([]);
    expect([0, 1, 3, 4].map((id) => host.outcomes.get(id))).toEqual(['done', 'done', 'done', 'done']);
  }),
);

test.each([
  ['a timer', 'setTimeout(() => { throw new RangeError("late"); }, 5)'],
  ['a promise', 'new Promise((_, reject) => setTimeout(() => reject(new RangeError("late")), 5))'],
  ['a callback', 'require("node:fs").readFile("/", () => { throw new RangeError("late"); })'],
])('fails the record of several at once in which %s fails, and the others end by themselves', (_title, statement) =>
  run(
    `let release; const gate = new Promise((resolve) => { release = resolve; });
    async function process(ctx, event) {
      if (event.n === 3) { release(); return event; }
      if (event.n === 1) { ${statement}; await new Promise(() => {}); }
      await gate;
      return event;
    }`,
    async (host) => {
      host.host.process(records(3));
      await host.until(() => host.outcomes.size === 1);
      expect(host.failureOf(1)).toMatchObject({ type: 'RangeError', message: 'late' });
      host.host.process([recordOf(3, numbered, { n: 3 })]);
      await host.until(() => host.outcomes.size === 4);
      expect([0, 2, 3].map((id) => host.outcomes.get(id))).toEqual(['done', 'done', 'done']);
    },
    { concurrency: 4 },
  ),
);

test('logs an error that comes after the end of its record, and processes the next ones', () =>
  run(
    `let isNext = false; let hasFailed = false;
    function until(condition, then) {
      const timer = setInterval(() => { if (condition()) { clearInterval(timer); then(); } }, 1);
    }
    async function process(ctx, event) {
      if (event.n === 0) {
        void new Promise((_, reject) => until(() => isNext, () => { hasFailed = true; reject(new Error('too late')); }));
        return event;
      }
      isNext = true;
      await new Promise((resolve) => until(() => hasFailed, () => setImmediate(resolve)));
      return event;
    }`,
    async (host) => {
      await host.processAll(numbered, [{ n: 0 }]);
      host.host.process([recordOf(1, numbered, { n: 1 })]);
      await host.until(() => host.outcomes.has(1));
      expect([...host.outcomes]).toEqual([
        [0, 'done'],
        [1, 'done'],
      ]);
      expect(host.logs).toEqual([
        ['ERROR', 'an error after the end of its record, which counts as processed: Error: too late'],
      ]);
    },
  ));

test('crashes with an error that belongs to no record', async () => {
  const code = `let begin; let count = 0;
    new Promise((resolve) => { begin = resolve; }).then(() => { throw new Error("nobody's"); });
    async function process() { if (++count === 2) begin(); await new Promise(() => {}); }`;
  const host = await crash(code, { concurrency: 2 });
  expect(host.crashes).toMatchObject([
    { code: 'host-failed', message: "TypeScript ended: an unhandled rejection: Error: nobody's" },
  ]);
  expect(host.outcomes.size).toBe(0);
});

test('leaves errors to the listeners of user code', () =>
  run(
    `globalThis.process.on('unhandledRejection', (error) => console.log('mine: ' + error.message));
    function process(ctx, event) { void Promise.reject(new Error('seen')); return event; }`,
    async (host) => {
      await host.processAll(numbered, [{ n: 0 }]);
      await host.until(() => host.logs.length === 1);
      expect([host.outcomes.get(0), host.logs]).toEqual(['done', [['INFO', 'mine: seen']]]);
    },
  ));

test('crashes when its memory is over, and says so', async () => {
  const code = `const kept = [];
    function process(ctx, event) { if (event.n === 2) for (;;) kept.push(new Array(10_000).fill(event)); return event; }`;
  const env = { ...process.env, NODE_OPTIONS: '--max-old-space-size=40' };
  const host = await crash(code, {}, env);
  expect(host.crashes[0]?.message).toMatch(/heap out of memory/);
  expect([...host.outcomes]).toEqual([
    [0, 'done'],
    [1, 'done'],
  ]);
});

test('waits for what has a function `then`, and passes a field `then` of a record', async () => {
  const schema = { type: 'record', name: 'step', fields: [{ name: 'then', type: 'string' }] };
  await run(
    `function process(ctx, event) { return event.n === 1 ? { then() {} } : { then: "next" }; }`,
    async (host) => {
      host.host.process(records(2));
      await host.until(() => host.outcomes.size === 1);
      expect(host.outputsOf(0)).toEqual([Object.fromEntries([['then', 'next']])]);
      await host.host.kill();
      expect(host.outcomes.get(1)).toBeUndefined();
    },
    { schema },
  );
});

test.each([
  ['an error that cannot be read', 'Object.defineProperty(new Error(), "message", { get() { throw 1; } })', 'Error'],
  ['an object without a text', 'Object.create(null)', 'Error'],
  ['nothing', 'undefined', 'Error'],
])('fails the record that throws %s', (_title, thrown, type) =>
  run(`function process(ctx, event) { if (event.n === 1) throw ${thrown}; return event; }`, async (host) => {
    await host.processAll(numbered, [{ n: 0 }, { n: 1 }, { n: 2 }]);
    expect(host.failureOf(1)).toMatchObject({ type, message: expect.any(String) });
    expect([host.outcomes.get(0), host.outcomes.get(2)]).toEqual(['done', 'done']);
  }),
);

test('sends what a streaming function puts without waiting, before its end', () => {
  const code = 'async function process(ctx, event, q) { for (let n = 0; n < 200; n++) q.put({ n }); }';
  return withHost(
    code,
    async (host) => {
      const stored: (() => void)[] = [];
      host.store = () => new Promise((resolve) => stored.push(resolve));
      host.host.process(records(1));
      while (host.outcomes.size === 0) {
        await host.until(() => stored.length > 0 || host.outcomes.size === 1);
        for (const resolve of stored.splice(0)) resolve();
      }
      expect(host.outputsOf(0)).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
      expect(host.outcomes.get(0)).toBe('done');
    },
    { language: 'typescript', schema: numbered, isStreaming: true },
  );
});
