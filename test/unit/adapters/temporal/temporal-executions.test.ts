import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TemporalExecutions } from '../../../../runtime/adapters/temporal/temporal-executions';
import { answered } from '../../../../runtime/controller/executions/ports/execution-workflow';

const key = { namespace: 'team', execution: 'e' };
const attempt = { execution: 'e', run: 1, step: '1', attempt: 1 };

/** Executions over a client whose updates fail so, of a workflow that is open or not. */
function executionsOf(failure: Error, isOpen: boolean): TemporalExecutions {
  const handle = {
    executeUpdate: () => Promise.reject(failure),
    describe: async () => ({ status: { name: isOpen ? 'RUNNING' : 'COMPLETED' }, runId: 'r' }),
    query: async () => ({ isTooLarge: true }),
  };
  const client = {
    workflow: { getHandle: () => handle },
    withDeadline: (_at: number, request: () => unknown) => request(),
  };
  return new TemporalExecutions(client as unknown as Client, 'kflow');
}

const rejected = (type: string, details: unknown[] = []) =>
  new WorkflowUpdateFailedError('rejected', ApplicationFailure.create({ message: type, type, details }));

test('the answers are in the rejection', async () => {
  expect(await executionsOf(rejected(answered, [['continued']]), true).isWaitingFor(key, attempt)).toBe('continued');
  expect(await executionsOf(rejected(answered, [[null]]), true).snapshot(key)).toBeUndefined();
});

test.each([
  ['is missing', new WorkflowNotFoundError('no such workflow', 'e', undefined)],
  ['ended meanwhile', rejected('AcceptedUpdateCompletedWorkflow')],
])('a workflow that %s waits for nothing, and its last snapshot is queried', async (_, failure) => {
  const executions = executionsOf(failure, false);
  expect(await executions.isWaitingFor(key, attempt)).toBe(false);
  expect(await executions.unreceived(key, [{ sender: 's', number: 1 }])).toEqual([]);
  expect(await executions.snapshot(key)).toEqual({ isTooLarge: true });
});

test('a workflow that runs and does not know the question, as of another version, is no workflow that waits for nothing', async () => {
  const executions = executionsOf(rejected('unknown'), true);
  const refusal = { code: 'server-failed', message: 'team/e: the workflow did not answer: unknown' };
  await expect(executions.isWaitingFor(key, attempt)).rejects.toMatchObject(refusal);
  await expect(executions.snapshot(key)).rejects.toMatchObject(refusal);
});
