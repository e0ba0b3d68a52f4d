import type { StepId } from '../../../../lib/tasks/advance/step-id';

/** A step id as task messages have it: the items of maps after dots. */
export function wireStep(step: StepId): string {
  return step.replaceAll('][', '.').replace('[', '.').replace(']', '');
}

/**
 * The run of an execution in messages: another one than that of any run of an earlier execution with the same id, whose
 * messages may still be on their way.
 */
export function wireRun(incarnation: string, run: number): number {
  let hash = 0;
  for (const char of incarnation) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash * 10_000 + run;
}

/** The id of a task message: the same each time that the attempt is sent. `run` is that of `wireRun`. */
export function taskId(execution: string, run: number, step: StepId, attempt: number): string {
  return `${execution}/${run}/${wireStep(step)}/${attempt}`;
}
