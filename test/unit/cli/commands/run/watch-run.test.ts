import type { FunctionCounts } from '../../../../../runtime/cli/commands/run/flow-progress';
import { confirmEnd, statusOfRun } from '../../../../../runtime/cli/commands/run/watch-run';

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
