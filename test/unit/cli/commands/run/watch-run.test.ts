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
  'a run of mode %s that ends as %s exits with %i, and with dead letters always with 1',
  (mode, end, status) => {
    expect(statusOfRun(end, mode, [{ dead: 0 }, { dead: 0 }])).toBe(status);
    expect(statusOfRun(end, mode, [{ dead: 0 }, { dead: 2 }])).toBe(1);
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
