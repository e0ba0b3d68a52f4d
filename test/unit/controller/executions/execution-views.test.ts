import { GraphReader } from '../../../../lib/tasks/advance/graph-reader';
import { TaskExecution } from '../../../../lib/tasks/advance/task-execution';
import type { ExecutionSnapshot, StepNote } from '../../../../runtime/controller/executions/ports/execution-workflow';
import { executionDetail } from '../../../../runtime/controller/executions/service/execution-views';
import { graphOf } from '../../tasks/support';

const atMs = Date.parse('2026-01-31T08:00:00.000Z');

/** An execution of the flow in which these steps have succeeded with `{}`. */
function detailOf(flow: string, ended: readonly string[], notes: { readonly [step: string]: StepNote } = {}) {
  const graph = graphOf(flow);
  const execution = new TaskExecution(new GraphReader(graph), {});
  execution.start();
  for (const id of ended) execution.advance({ kind: 'succeeded', id, output: {} });
  const snapshot: ExecutionSnapshot = {
    v: 1,
    definition: { namespace: 'default', execution: 'one', incarnation: '1', by: 'eva', attributes: {} },
    graph,
    state: execution.state(),
    run: 1,
    startedMs: atMs,
    notes,
    log: [],
  };
  return executionDetail(snapshot);
}

const statusesOf = ({ steps }: ReturnType<typeof detailOf>) => steps.map(({ name, status }) => `${name} ${status}`);

test('steps that nothing has reached yet wait, also those in subflows', () => {
  expect(statusesOf(detailOf('A → { B → C } → D', ['1']))).toEqual([
    'A succeeded',
    'flow running',
    'B running',
    'C waiting',
    'D waiting',
  ]);
});

test('steps behind a false guard and branches for failures do not wait', () => {
  expect(statusesOf(detailOf('A → ? `$.x` { B → C } → D catch E', ['1']))).toEqual([
    'A succeeded',
    'flow passed',
    'D running',
  ]);
});

test('nothing waits in a completed execution', () => {
  expect(statusesOf(detailOf('A → B', ['1', '2']))).toEqual(['A succeeded', 'B succeeded']);
});

test('an approval says what it needs', () => {
  const flow =
    'approve(- { title: "Release?", form: { amount: { type: number, required: true }, level: { type: enum, enum: [low, high] } } } -)';
  const [step] = detailOf(flow, [], { '1': { startedMs: atMs, attempt: 0 } }).steps;
  expect(step?.waits).toEqual({
    for: 'approval',
    message: 'Release?; fields: amount (number), level (low or high, optional)',
  });
});
