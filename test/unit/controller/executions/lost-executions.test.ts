import type { ExecutionView } from '../../../../runtime/api-contract/execution-status';
import type { ExecutionRun } from '../../../../runtime/controller/executions/ports/execution-workflow';
import { LostExecutions } from '../../../../runtime/controller/executions/service/lost-executions';

const view = (execution: string, status: ExecutionView['status']): ExecutionView => ({
  namespace: 'team',
  execution,
  status,
  attributes: {},
  by: 'tester',
  startedAt: '2026-01-31T08:00:00.000Z',
  endedAt: null,
  run: 1,
});

test('an execution that is listed as open, and that Temporal does not have, is listed as failed', async () => {
  const listed = new Map(
    [view('runs', 'Running'), view('ended', 'Completed'), view('gone', 'Running'), view('unseen', 'Running')].map(
      (each) => [each.execution, each],
    ),
  );
  const asked: string[] = [];
  const lost = new LostExecutions({
    store: {
      list: async () => [...listed.values()],
      find: async ({ execution }) => ({ view: listed.get(execution) as ExecutionView, incarnation: 'i' }),
      snapshot: async () => undefined,
      saveSnapshot: async () => undefined,
      exchange: async (_, next) =>
        next !== undefined && listed.set(next.view.execution, next.view).has(next.view.execution),
    },
    workflows: {
      // Temporal lists a workflow that it has begun a moment later
      open: async () => [{ namespace: 'team', execution: 'runs' }],
      describe: async ({ execution }): Promise<ExecutionRun | undefined> => {
        asked.push(execution);
        return execution === 'gone' ? undefined : { runId: 'r', isOpen: true, incarnation: 'i' };
      },
      snapshot: async () => undefined,
      command: () => Promise.reject(new Error('there is no workflow')),
      ended: async () => undefined,
    },
  });
  await lost.sweep();
  expect(asked).toEqual(['gone', 'unseen']);
  expect([...listed.values()].map(({ execution, status }) => [execution, status])).toEqual([
    ['runs', 'Running'],
    ['ended', 'Completed'],
    ['gone', 'Failed'],
    ['unseen', 'Running'],
  ]);
});
