import { certainNext } from '../../../../lib/tasks/advance/certain-next';
import { formatStepId, type StepId } from '../../../../lib/tasks/advance/step-id';
import type { TaskExecution } from '../../../../lib/tasks/advance/task-execution';
import type { TaskStepNode } from '../../../../lib/tasks/graph/task-graph';
import type { FollowingLimits, StepNote, StepReport } from '../ports/execution-workflow';
import { followedHead, headOf, type StepRef } from '../ports/step-ref';
import { isForWorker, type RunningStep, type WorkerStep } from './running-step';

/**
 * The steps that a worker may run after one of its own without asking, one after the other: tasks of the same task namespace
 * that are certain to follow, and that nothing has to admit.
 */
export function followingSteps(
  execution: TaskExecution,
  step: WorkerStep,
  { steps, length }: FollowingLimits,
): readonly StepId[] {
  const items = execution.steps.get(step.started.id)?.items ?? [];
  const found: StepId[] = [];
  let left = length;
  for (let last = step.node; found.length < steps; ) {
    const next = certainNext(execution, { node: last, items });
    if (next === undefined || !mayFollow(next, last)) break;
    left -= JSON.stringify(next.parameters ?? null).length;
    if (left < 0) break;
    found.push(formatStepId(next.index, items));
    last = next;
  }
  return found;
}

function mayFollow(next: TaskStepNode, last: TaskStepNode): boolean {
  const { concurrency, rate, memoize } = next.policy;
  if (!isForWorker(next) || (concurrency ?? rate ?? memoize) !== undefined) return false;
  return namespaceOf(next) === namespaceOf(last);
}

function namespaceOf({ base }: TaskStepNode): string {
  return base.slice(0, Math.max(0, base.indexOf(':')));
}

/** The message in which a worker has the step. */
export function messageOf({ started, note }: RunningStep): string {
  return followedHead(note) ?? headOf({ step: started.id, attempt: note.attempt });
}

/** Whether a report is of the current attempt. Of one that was returned, the worker that had it may still report a success. */
export function isOf(
  note: StepNote,
  { attempt, head, kind }: Pick<StepReport, 'attempt' | 'head'> & Partial<Pick<StepReport, 'kind'>>,
): boolean {
  if (attempt !== note.attempt) return false;
  if (note.isReturned !== true) return head === note.head;
  return head === undefined || (head === note.head && kind === 'succeeded');
}

/** The running step before one of its message. */
export function beforeIt(
  running: Iterable<RunningStep>,
  { step: id, head }: Pick<StepRef, 'step' | 'head'>,
): RunningStep | undefined {
  if (head === undefined) return undefined;
  return [...running].find((each) => each.note.next?.includes(id) && messageOf(each) === head);
}

/** The running step that a worker has gone on with, from the message of an attempt. */
export function continuedBy(
  running: Iterable<RunningStep>,
  attempt: Pick<StepRef, 'step' | 'attempt' | 'head'>,
): RunningStep | undefined {
  if (attempt.head !== undefined) return undefined;
  const head = headOf(attempt);
  return [...running].find(({ note }) => followedHead(note) === head);
}
