import { GraphReader } from '../../../lib/tasks/advance/graph-reader';
import { restoreExecution } from '../../../lib/tasks/advance/restore-execution';
import { TaskExecution } from '../../../lib/tasks/advance/task-execution';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { defaultPolicy } from '../../../lib/tasks/graph/task-policy';

const at = { line: 1, col: 1 };

/** `A → B`. */
const chain: TaskGraph = {
  nodes: [
    { kind: 'start', index: 0, region: 0, from: [], to: [1], end: 3, at },
    { kind: 'task', index: 1, region: 0, from: [0], to: [2], name: 'A', base: 'A', policy: defaultPolicy, at },
    { kind: 'task', index: 2, region: 0, from: [1], to: [3], name: 'B', base: 'B', policy: defaultPolicy, at },
    { kind: 'sink', index: 3, region: 0, from: [2], to: [], begin: 0, at },
  ],
};

test('a graph is run by whoever holds it, and restored from its state between any two events', () => {
  const first = new TaskExecution(new GraphReader(chain), { x: 1 });
  expect(first.start()).toEqual({ started: [{ id: '1', index: 1, input: { x: 1 } }], stopped: [] });
  expect(first.advance({ kind: 'succeeded', id: '1', output: 2 }).started).toEqual([{ id: '2', index: 2, input: 2 }]);
  const second = restoreExecution(chain, JSON.parse(JSON.stringify(first.state())));
  expect(second.state()).toEqual(first.state());
  expect(second.advance({ kind: 'succeeded', id: '2', output: 3 })).toEqual({
    started: [],
    stopped: [],
    outcome: { status: 'completed', output: 3 },
  });
  expect(second.advance({ kind: 'succeeded', id: '2', output: 4 })).toEqual({ started: [], stopped: [] });
});
