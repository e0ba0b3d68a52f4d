import { setImmediate as turn } from 'node:timers/promises';
import type { TaskResult } from '../../../../runtime/api-contract/task-message';
import type { StepReport } from '../../../../runtime/controller/executions/ports/execution-workflow';
import type { SignalMark } from '../../../../runtime/controller/executions/ports/signal-marks';
import { LargeOutputs, maxStateLength } from '../../../../runtime/controller/executions/service/large-outputs';
import { ReportForwarder } from '../../../../runtime/controller/executions/service/report-forwarder';
import { TaskTokens } from '../../../../runtime/controller/executions/task-tokens';
import { testKey } from '../../../support/installation';

const tokens = new TaskTokens(testKey());
let signals: string[][];
/** Signals that the workflow has not received. */
let lost: number[];
let numbers: number[];
let senders: string[];
let release: (() => void)[];
let forwarder: ReportForwarder;
/** Objects by key, and outputs that were signaled. */
let objects: Map<string, unknown>;
let outputs: unknown[];

const put = async (_namespace: string, key: string, value: unknown) => void objects.set(key, value);

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  signals = [];
  release = [];
  lost = [];
  numbers = [];
  senders = [];
  outputs = [];
  objects = new Map();
  const report = (_: unknown, reports: readonly StepReport[], { sender, number }: SignalMark) => {
    signals.push(reports.map(({ step }) => step));
    outputs.push(...reports.map(({ output }) => output));
    numbers.push(number);
    senders.push(sender);
    return new Promise<boolean>((resolve) => release.push(() => resolve(true)));
  };
  const unreceived = async (_: unknown, marks: readonly SignalMark[]) =>
    marks.map(({ number }) => number).filter((number) => lost.includes(number));
  const workflows = { report, unreceived, isWaitingFor: async () => true };
  forwarder = new ReportForwarder({ tokens, workflows, outputs: new LargeOutputs({ put }) });
});
afterEach(() => jest.useRealTimers());

function succeeded(step: number, continues = false, execution = 'e1', output: unknown = {}): Promise<void> {
  const id = `${step}` as const;
  const token = tokens.make('ns', { execution, run: 1, step: id, attempt: 1, isReceiptDue: false });
  const result = { v: 1, id: `${execution}/1/${step}/1`, token, at: '', worker: 'w', output };
  return forwarder.result('ns', { ...result, kind: 'succeeded', ...(continues ? { continues } : {}) } as TaskResult);
}

test('what arrives while a signal is under way goes with the next one', async () => {
  const first = succeeded(1);
  const others = [succeeded(2), succeeded(3, true), succeeded(4)];
  expect(signals).toEqual([['1']]);
  release[0]?.();
  await turn();
  expect(signals).toEqual([['1'], ['2', '3', '4']]);
  release[1]?.();
  await turn();
  forwarder.ended({ namespace: 'ns', execution: 'e1' });
  await Promise.all([first, ...others]);
});

test('results after which the worker goes on are sent with that of the last step', async () => {
  const all = [succeeded(1, true), succeeded(2, true)];
  await turn();
  expect(signals).toEqual([]);
  all.push(succeeded(3));
  expect(signals).toEqual([['1', '2', '3']]);
  release[0]?.();
  await turn();
  forwarder.ended({ namespace: 'ns', execution: 'e1' });
  await Promise.all(all);
  jest.runAllTimers();
  expect(signals).toHaveLength(1);
});

test('a result after which the worker goes on is not held back for longer than a moment, and for its own execution only', async () => {
  const held = succeeded(1, true);
  const other = succeeded(7, false, 'e2');
  expect(signals).toEqual([['7']]);
  jest.runAllTimers();
  expect(signals).toEqual([['7'], ['1']]);
  for (const each of release) each();
  await turn();
  jest.advanceTimersByTime(10_000);
  await Promise.all([held, other]);
});

test('a result is kept until its workflow has received it, and a signal that was lost is sent again', async () => {
  let kept = 0;
  const all = [succeeded(1), succeeded(2)].map((each) => each.then(() => kept++));
  for (let sent = 0; sent < 2; sent++) {
    release[sent]?.();
    await turn();
  }
  lost = [1];
  jest.advanceTimersByTime(10_000);
  await turn();
  expect([signals, numbers, kept]).toEqual([[['1'], ['2'], ['1']], [1, 2, 1], 1]);
  release[2]?.();
  lost = [];
  await turn();
  jest.advanceTimersByTime(10_000);
  await Promise.all(all);
  jest.advanceTimersByTime(60_000);
  expect(signals).toHaveLength(3);
});

test('a malformed result, too, is kept until its step is known to fail', async () => {
  let isKept = true;
  const message = { execution: 'e1', ids: ['e1/1/1/1'], fault: 'no kind' };
  const malformed = forwarder.malformed('ns', message).then((isKnown) => {
    isKept = false;
    return isKnown;
  });
  release[0]?.();
  await turn();
  expect([signals, isKept]).toEqual([[['1']], true]);
  forwarder.ended({ namespace: 'ns', execution: 'e1' });
  expect(await malformed).toBe(true);
});

test('a result is passed on as soon as its execution orders what follows, or is asked', async () => {
  const first = succeeded(1);
  release[0]?.();
  await turn();
  const key = { namespace: 'ns', execution: 'e1' };
  forwarder.received(key, Object.fromEntries(senders.map((sender) => [sender, { last: 1, missing: [] }])));
  await first;
  const second = succeeded(2);
  release[1]?.();
  await turn();
  await forwarder.confirm(key);
  await second;
  expect(signals).toEqual([['1'], ['2']]);
});

test('an execution that is asked again and again is still looked at once at a time', async () => {
  const held = succeeded(1);
  release[0]?.();
  await turn();
  lost = [1];
  for (let asked = 1; asked <= 5; asked++) {
    const asking = forwarder.confirm({ namespace: 'ns', execution: 'e1' });
    await turn();
    release[asked]?.();
    await asking;
  }
  expect(jest.getTimerCount()).toBe(1);
  lost = [];
  jest.advanceTimersByTime(10_000);
  await held;
});

test('a signal that fails rejects the results that it had', async () => {
  forwarder = new ReportForwarder({
    tokens,
    outputs: new LargeOutputs({ put }),
    workflows: {
      report: () => Promise.reject(new Error('Temporal is away')),
      unreceived: async () => [],
      isWaitingFor: async () => true,
    },
  });
  const results = await Promise.allSettled([succeeded(1, true), succeeded(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('outputs are objects once those of their execution are large together, and are small as they are', async () => {
  const step = async (at: number, output: unknown, execution = 'e1') => {
    void succeeded(at, false, execution, output);
    await turn();
    release.at(-1)?.();
    await turn();
  };
  const text = 'x'.repeat(maxStateLength);
  await step(1, { text });
  await step(2, { n: 2 });
  expect([outputs, objects.size]).toEqual([[{ text }, { n: 2 }], 0]);
  const large = { text: 'y'.repeat(1_000) };
  await step(3, large);
  const [[key, value] = []] = objects;
  expect(value).toEqual([large]);
  expect(key).toMatch(/^e1\//);
  expect(outputs.at(-1)).toEqual({ $claim: { key, bytes: JSON.stringify(large).length, at: [0] } });
  await step(1, large, 'e2');
  expect(outputs.at(-1)).toEqual(large);
});
