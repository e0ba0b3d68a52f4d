import type { StepId } from '../../../../lib/tasks/advance/step-id';

/** An attempt of a step of an execution, within its namespace. */
export interface StepRef {
  readonly execution: string;
  readonly run: number;
  readonly step: StepId;
  readonly attempt: number;
  /** The step and attempt with whose message a worker got this one, as one that follows. */
  readonly head?: string;
}

/** The message of an attempt, as `head` names it. */
export function headOf({ step, attempt }: Pick<StepRef, 'step' | 'attempt'>): string {
  return `${step}/${attempt}`;
}

/** The message in which a worker has a step, if not its own. */
export function followedHead({
  head,
  isReturned,
}: {
  readonly head?: string;
  readonly isReturned?: boolean;
}): string | undefined {
  return isReturned === true ? undefined : head;
}

export function stepRefText({ execution, run, step, attempt }: StepRef): string {
  return `${execution}/${run}/${step}/${attempt}`;
}

export function includes(steps: readonly StepRef[], step: StepRef): boolean {
  const text = stepRefText(step);
  return steps.some((each) => stepRefText(each) === text);
}
