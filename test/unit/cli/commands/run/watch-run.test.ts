import type { Topology } from '../../../../../lib/topology/document/topology';
import type { FunctionCounts } from '../../../../../runtime/cli/commands/run/flow-progress';
import type { LocalFlow } from '../../../../../runtime/cli/commands/run/local-flow';
import type { ProgressView } from '../../../../../runtime/cli/commands/run/progress-view';
import { confirmEnd, statusOfRun, watchRun } from '../../../../../runtime/cli/commands/run/watch-run';
import type { Interrupts } from '../../../../../runtime/cli/frame/interrupts';

test.each([
  ['batch', 'completed', 0],
  ['batch', 'failed', 1],
  ['batch', 'timeout', 1],
  ['batch', 'interrupted', 1],
  ['stream', 'failed', 1],
  ['stream', 'timeout', 0],
  ['stream', 'interrupted', 0],
] as const)(
  'a run of mode %s that ends as %s exits with %i, and with dead letters or lost records always with 1',
  (mode, end, status) => {
    const whole = { dead: 0, drifts: [] };
    const drift = { id: 'd', function: 'map', reason: 'RecordsRemoved', message: 'removed', at: '' } as const;
    expect(statusOfRun(end, mode, [whole, { dead: 0, drifts: [drift] }])).toBe(status);
    expect(statusOfRun(end, mode, [whole, { dead: 2, drifts: [] }])).toBe(1);
    expect(statusOfRun(end, mode, [whole, { dead: 0, drifts: [{ ...drift, lost: 1 }] }])).toBe(1);
  },
);

test('a run whose replicas exited with records left in their inputs has failed, and says so', async () => {
  const said: string[] = [];
  const end = (pending: number) => {
    const counts = { function: 'map', pending } as FunctionCounts;
    return confirmEnd({ progress: async () => [counts] }, { say: (line) => said.push(line) });
  };
  expect([await end(0), said]).toEqual(['completed', []]);
  expect([await end(2), said]).toEqual([
    'failed',
    ['map: its replicas exited with code 0 and left 2 records unprocessed'],
  ]);
});

/** So many signals have come. */
function interruptsOf(count: number): Interrupts {
  const waitAtMost = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return { count, exitAt: 1, waitAtMost } as Partial<Interrupts> as Interrupts;
}

describe('a nats that does not respond', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test.each([
    ['a batch', 'its timeout', { mode: 'batch', timeoutMs: 5_000, count: 0 }],
    ['a batch', 'Ctrl-C', { mode: 'batch', timeoutMs: undefined, count: 1 }],
    ['a stream', 'its timeout', { mode: 'stream', timeoutMs: 5_000, count: 0 }],
  ] as const)('does not keep %s from its end at %s', async (_, _end, { mode, timeoutMs, count }) => {
    const steps: string[] = [];
    const flow = {
      progress: () => new Promise<never>(() => undefined),
      replicas: () => [],
      isComplete: () => false,
      stop: async () => void steps.push('stopped'),
      failedStops: () => [{ function: 'map', number: 0, message: 'a record' }],
    } as Partial<LocalFlow> as LocalFlow;
    const view = { say: (line: string) => steps.push(line) } as Partial<ProgressView> as ProgressView;
    const end = watchRun(flow, { mode } as Topology, { view, interrupts: interruptsOf(count), timeoutMs });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await end).toBe('unavailable');
    expect(steps).toEqual(['stopped', 'map-0 left something undone: a record']);
  });
});

test('a run whose progress cannot be read fails with the error', async () => {
  const flow = {
    progress: () => Promise.reject(new Error('no stream')),
    replicas: () => [],
    isComplete: () => false,
  } as Partial<LocalFlow> as LocalFlow;
  const ports = { view: {} as ProgressView, interrupts: interruptsOf(0), timeoutMs: undefined };
  await expect(watchRun(flow, { mode: 'batch' } as Topology, ports)).rejects.toThrow('no stream');
});
