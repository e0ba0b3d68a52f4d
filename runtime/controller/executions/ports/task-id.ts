import { formatStepId, type StepId } from '../../../../lib/tasks/advance/step-id';
import { headOf, type StepRef } from './step-ref';

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

/**
 * The id of an attempt in messages: the same each time that it is sent, and another one in each message that it follows in.
 * `run` is that of `wireRun`.
 */
export function taskId({ execution, run, step, attempt, head }: StepRef): string {
  const id = `${execution}/${run}/${wireStep(step)}/${attempt}`;
  return head === undefined ? id : `${id}/${wireStep(head)}`;
}

/** The inverse of `taskId`; undefined for text that is no id of an attempt of the execution. */
export function parseTaskId(execution: string, id: string): StepRef | undefined {
  if (!id.startsWith(`${execution}/`)) return undefined;
  const place = /^(\d+)\/([\d.]+)\/(\d+)(?:\/([\d.]+)\/(\d+))?$/.exec(id.slice(execution.length + 1));
  if (place === null) return undefined;
  const [, run, step = '', attempt, headStep, headAttempt] = place;
  const head = headStep && headOf({ step: parseWireStep(headStep), attempt: Number(headAttempt) });
  const ref = { execution, run: Number(run), step: parseWireStep(step), attempt: Number(attempt) };
  return head === undefined ? ref : { ...ref, head };
}

function parseWireStep(step: string): StepId {
  const [index = 0, ...items] = step.split('.').map(Number);
  return formatStepId(index, items);
}
