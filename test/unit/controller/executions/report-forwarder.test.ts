import { setImmediate as turn } from 'node:timers/promises';
import type { TaskResult } from '../../../../runtime/api-contract/task-message';
import { ReportForwarder } from '../../../../runtime/controller/executions/service/report-forwarder';
import { TaskTokens } from '../../../../runtime/controller/executions/task-tokens';
import { testKey } from '../../../support/installation';

const tokens = new TaskTokens(testKey());
let signals: string[][];
let release: (() => void)[];
let forwarder: ReportForwarder;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  signals = [];
  release = [];
  const report = (_: unknown, reports: readonly { readonly step: string }[]) => {
    signals.push(reports.map(({ step }) => step));
    return new Promise<boolean>((resolve) => release.push(() => resolve(true)));
  };
  forwarder = new ReportForwarder({ tokens, workflows: { report, isWaitingFor: async () => true } });
});
afterEach(() => jest.useRealTimers());

function succeeded(step: number, continues = false, execution = 'e1'): Promise<void> {
  const id = `${step}` as const;
  const token = tokens.make('ns', { execution, run: 1, step: id, attempt: 1, isReceiptDue: false });
  const result = { v: 1, id: `${execution}/1/${step}/1`, token, at: '', worker: 'w', output: {} };
  return forwarder.result('ns', { ...result, kind: 'succeeded', ...(continues ? { continues } : {}) } as TaskResult);
}

test('what arrives while a signal is under way goes with the next one', async () => {
  const first = succeeded(1);
  const others = [succeeded(2), succeeded(3, true), succeeded(4)];
  expect(signals).toEqual([['1']]);
  release[0]?.();
  await first;
  await turn();
  expect(signals).toEqual([['1'], ['2', '3', '4']]);
  release[1]?.();
  await Promise.all(others);
});

test('results after which the worker goes on are sent with that of the last step', async () => {
  const all = [succeeded(1, true), succeeded(2, true)];
  await turn();
  expect(signals).toEqual([]);
  all.push(succeeded(3));
  expect(signals).toEqual([['1', '2', '3']]);
  release[0]?.();
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
  await Promise.all([held, other]);
  const next = succeeded(2, true);
  jest.runAllTimers();
  expect(signals).toEqual([['7'], ['1'], ['2']]);
  release[2]?.();
  await next;
});

test('a signal that fails rejects the results that it had', async () => {
  forwarder = new ReportForwarder({
    tokens,
    workflows: { report: () => Promise.reject(new Error('Temporal is away')), isWaitingFor: async () => true },
  });
  const results = await Promise.allSettled([succeeded(1, true), succeeded(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
