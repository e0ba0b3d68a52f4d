import { ConfigError } from '../../../../lib/errors';
import { markedClaim } from '../../../../lib/tasks/advance/claims';
import type { EndTask } from '../../../api-contract/task-events';
import type { TaskEnd } from '../ports/execution-service';
import type { StepReports, TaskReports } from '../ports/task-bus';
import { taskId } from '../ports/task-id';
import type { TaskValues } from '../ports/task-values';
import type { TaskTokens } from '../task-tokens';

export interface EndTaskProps {
  readonly values: TaskValues;
  readonly tokens: TaskTokens;
  readonly reports: Pick<TaskReports, 'isWanted' | 'confirm'> & StepReports;
}

/**
 * Ends the attempt of a task that a token stands for, as a result of a worker does. Throws ConfigError for an output that
 * names a stored value: only workers may, who have a login to the values of the namespace.
 */
export async function endTask(
  { values, tokens, reports }: EndTaskProps,
  namespace: string,
  { token, output, error }: EndTask,
): Promise<TaskEnd> {
  const ref = tokens.read(namespace, token);
  if (ref === undefined) return 'unknown';
  if (markedClaim(output, ref.execution) !== output)
    throw new ConfigError('config-invalid', 'output: must not be a claim; report the value itself');
  const task = { v: 1, id: taskId(ref), token } as const;
  if (!(await reports.isWanted(namespace, task))) return 'over';
  if (error !== undefined) await reports.tell(namespace, ref, { kind: 'failed', error });
  else {
    const kept = await values.put(namespace, `${task.id}/output`, output);
    await reports.tell(namespace, ref, { kind: 'succeeded', output: kept });
  }
  await reports.confirm({ namespace, execution: ref.execution });
  return 'ended';
}
