import type { ExecutionEvent, StartedStep, StepError } from '../../../../lib/tasks/advance/execution-state';
import type { StepNode, TaskStepNode } from '../../../../lib/tasks/graph/task-graph';
import type { TaskTimeouts } from '../../../../lib/tasks/graph/task-policy';
import type { TaskError } from '../../../api-contract/task-message';
import type { StepNote } from '../ports/execution-workflow';

/** A step that was started and has not ended. */
export interface RunningStep {
  readonly started: StartedStep;
  readonly node: StepNode;
  note: StepNote;
}

export type WorkerStep = RunningStep & { readonly node: TaskStepNode };

/** How a step ends. */
export type StepEnd = Exclude<ExecutionEvent, { kind: 'cancel' }>;

/** What an execution keeps of the error with which a step has failed. */
export function stepError({ code, message, details }: TaskError): StepError {
  return { code, message, ...(details === undefined ? {} : { details }) };
}

/** Whether somebody else runs the step, a worker or a controller, in attempts. */
export function isWorkerStep(step: RunningStep): step is WorkerStep {
  return step.node.kind === 'task' && !step.node.base.startsWith('wait:');
}

/** Whether a task is run by a worker. */
export function isForWorker({ base }: TaskStepNode): boolean {
  return !/^(wait|request|flow):/.test(base);
}

/** Whether a controller runs the step. */
export function isCall({ node }: RunningStep): boolean {
  if (node.kind === 'load' || node.kind === 'store') return true;
  return node.kind === 'task' && /^(request|flow):/.test(node.base);
}

/** Whether a report of its attempt would change anything. */
export function isWanted({ note }: RunningStep): boolean {
  return note.dueMs === undefined && note.giveUpMs === undefined;
}

/** The limit of time that ends an attempt, or the step, first. */
export interface StepDeadline {
  readonly atMs: number;
  /** `due`: the next attempt, or the end of a wait; `give-up`: the end of a grace; else a timeout of the policy. */
  readonly kind: 'due' | 'give-up' | 'start' | 'run' | 'heartbeat' | 'total';
}

/** A worker ends a task in time itself; a worker that is gone cannot. */
const runSlackMs = 5_000;

/** The next deadline of a step; undefined when only a report ends it. */
export function deadlineOf(step: RunningStep): StepDeadline | undefined {
  const { note, node } = step;
  const { startMs, runMs, heartbeatMs, totalMs }: TaskTimeouts = node.kind === 'task' ? node.policy.timeout : {};
  const deadlines: (StepDeadline | undefined)[] = [
    after(note.dueMs, 0, 'due'),
    after(note.giveUpMs, 0, 'give-up'),
    after(note.startedMs, totalMs, 'total'),
  ];
  if (isWorkerStep(step)) {
    if (note.takenMs === undefined) deadlines.push(after(note.sentMs, startMs, 'start'));
    else {
      deadlines.push(after(note.takenMs, runMs === undefined ? undefined : runMs + runSlackMs, 'run'));
      deadlines.push(after(note.beatMs ?? note.takenMs, heartbeatMs, 'heartbeat'));
    }
  }
  return deadlines.reduce((first, each) =>
    each !== undefined && each.atMs < (first?.atMs ?? Infinity) ? each : first,
  );
}

function after(
  startMs: number | undefined,
  limitMs: number | undefined,
  kind: StepDeadline['kind'],
): StepDeadline | undefined {
  return startMs === undefined || limitMs === undefined ? undefined : { atMs: startMs + limitMs, kind };
}
