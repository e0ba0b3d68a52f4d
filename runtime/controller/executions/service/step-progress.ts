import type { ExecutionStep } from '../../../api-contract/execution-status';
import type { ExecutionSnapshot } from '../ports/execution-workflow';
import { followedHead } from '../ports/step-ref';
import type { TaskBus } from '../ports/task-bus';
import { taskId, wireRun } from '../ports/task-id';

/** Running tasks that are looked up; of others, no progress is shown. */
const maxTasks = 100;

/** The steps with what their running tasks have reported by heartbeats; as they are when nats does not respond. */
export async function withProgress(
  bus: Pick<TaskBus, 'lastHeartbeats'>,
  { definition, run, notes }: ExecutionSnapshot,
  steps: ExecutionStep[],
): Promise<ExecutionStep[]> {
  const { namespace, execution, incarnation } = definition;
  const running = steps.filter(({ step, status }) => status === 'running' && notes[step]?.sentMs !== undefined);
  const ids = running.slice(0, maxTasks).map(({ step }) => {
    const { attempt = 0, ...note } = notes[step] ?? {};
    const head = followedHead(note);
    const place = head === undefined ? {} : { head };
    return taskId({ execution, run: wireRun(incarnation, run), step, attempt, ...place });
  });
  if (ids.length === 0) return steps;
  const beats = await bus.lastHeartbeats(namespace, ids).catch(() => []);
  const known = new Map(beats.map((beat, index) => [running[index]?.step, beat]));
  return steps.map((step) => {
    const beat = known.get(step.step);
    if (beat === undefined) return step;
    const { waits, ...begun } = step;
    return {
      ...begun,
      ...(waits === undefined || waits.for === 'worker' ? {} : { waits }),
      ...(beat.progress === undefined ? {} : { progress: beat.progress }),
    };
  });
}
