import { statusOfRun } from '../../../../../runtime/cli/commands/run/watch-run';

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
