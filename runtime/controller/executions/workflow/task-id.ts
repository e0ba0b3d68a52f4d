import type { StepId } from '../../../../lib/tasks/advance/step-id';

/** A step id as task messages have it: the items of maps after dots. */
export function wireStep(step: StepId): string {
  return step.replaceAll('][', '.').replace('[', '.').replace(']', '');
}

/** The id of a task message: the same each time that the attempt is sent. */
export function taskId(execution: string, run: number, step: StepId, attempt: number): string {
  return `${execution}/${run}/${wireStep(step)}/${attempt}`;
}
