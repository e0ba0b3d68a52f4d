import { isPlainMap } from '../../../../lib/plain-map';
import type { StepError } from '../../../../lib/tasks/advance/execution-state';
import type { StepNote } from '../ports/execution-workflow';
import type { RunningStep } from './running-step';

/** What begins a step that the workflow runs itself: a note of it, or why it cannot begin. */
export function beginWait(
  { node, started }: RunningStep,
  nowMs: number,
): Partial<StepNote> | { readonly error: StepError } {
  if (node.kind === 'approval') return node.deadline === undefined ? {} : { dueMs: nowMs + node.deadline.afterMs };
  const name = node.kind === 'task' ? node.base : node.kind;
  if (name === 'wait:delay') {
    const seconds = isPlainMap(started.parameters) ? started.parameters.duration : undefined;
    if (typeof seconds === 'number' && seconds >= 0) return { dueMs: nowMs + seconds * 1_000 };
    return refused(
      'parameters-invalid',
      `${name}: duration: must be a number of seconds, got ${JSON.stringify(seconds)}`,
    );
  }
  return refused('not-run-yet', `${name}: this version does not run such steps yet`);
}

function refused(code: string, message: string): { readonly error: StepError } {
  return { error: { code, message } };
}
