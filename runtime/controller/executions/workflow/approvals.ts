import type { FormField } from '../../../../lib/tasks/graph/task-graph';
import type { ExecutionCommand } from '../ports/execution-workflow';
import { isWorkerStep, type RunningStep, type StepEnd, stepError } from './running-step';

type EndCommand = Extract<ExecutionCommand, { kind: 'end' }>;
type DecideCommand = Extract<ExecutionCommand, { kind: 'decide' }>;

/** Why a command is refused. */
export interface Refusal {
  readonly code: 'state-invalid' | 'step-missing' | 'answers-invalid';
  readonly message: string;
}

/** Why a step cannot be ended by hand; undefined if it can. */
export function refusalOfEnd(running: RunningStep | undefined, { step }: EndCommand): Refusal | undefined {
  if (running === undefined) return { code: 'step-missing', message: `the step ${step} is not running` };
  if (running.node.kind !== 'approval') return undefined;
  return { code: 'state-invalid', message: `the step ${step} waits for a decision; approve or reject it` };
}

/** How a step ends that a person ends. */
export function endBy({ output, error }: EndCommand, step: RunningStep): StepEnd {
  const { id, input } = step.started;
  if (error !== undefined) return { kind: 'failed', id, error: stepError(error) };
  const otherwise = isWorkerStep(step) ? {} : input;
  return { kind: 'succeeded', id, output: output === undefined ? otherwise : output };
}

/** Why a decision cannot be taken; undefined if it can. */
export function refusalOfDecision(steps: readonly RunningStep[], command: DecideCommand): Refusal | undefined {
  const found = approvalFor(steps, command);
  if (typeof found === 'string') return { code: 'step-missing', message: found };
  if (!command.isApproved || found.node.kind !== 'approval') return undefined;
  const message = faultOfAnswers(found.node.form, command.answers);
  return message === undefined ? undefined : { code: 'answers-invalid', message };
}

/** The step that is decided, and its output. */
export function decisionOf(
  steps: readonly RunningStep[],
  command: DecideCommand,
): { readonly step: RunningStep; readonly output: object } | undefined {
  const step = approvalFor(steps, command);
  if (typeof step === 'string') return undefined;
  const { isApproved, answers, by, comment } = command;
  return { step, output: { isApproved, answers, by, ...(comment === undefined ? {} : { comment }) } };
}

function approvalFor(steps: readonly RunningStep[], { step }: DecideCommand): RunningStep | string {
  const waiting = steps.filter(({ node }) => node.kind === 'approval');
  const wanted = step === undefined ? waiting : waiting.filter(({ started }) => started.id === step);
  const [first, second] = wanted;
  if (first === undefined) {
    return step === undefined ? 'no step waits for a decision' : `the step ${step} does not wait for a decision`;
  }
  if (second === undefined) return first;
  return `several steps wait for a decision: ${wanted.map(({ started }) => started.id).join(', ')}; name one`;
}

function faultOfAnswers(
  form: { readonly [field: string]: FormField },
  answers: { readonly [field: string]: unknown },
): string | undefined {
  const unknown = Object.keys(answers).find((field) => !Object.hasOwn(form, field));
  if (unknown !== undefined)
    return `answers.${unknown}: the form has no such field; it has ${Object.keys(form).join(', ') || 'none'}`;
  for (const [name, field] of Object.entries(form)) {
    const answer = answers[name];
    if (answer === undefined) {
      if (field.required) return `answers.${name}: missing`;
    } else if (field.type === 'enum') {
      if (!field.enum?.includes(answer as string)) return `answers.${name}: must be one of ${field.enum?.join(', ')}`;
    } else if (typeof answer !== field.type) return `answers.${name}: must be a ${field.type}`;
  }
  return undefined;
}
