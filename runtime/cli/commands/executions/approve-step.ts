import { executionName } from '../../../api-contract/execution-key';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus } from '../../frame/exit-status';
import { writeOutput } from '../../terminal/output';

interface ApproveInput extends FlowOptions {
  readonly execution: string;
  readonly step: string | undefined;
  readonly reject: boolean;
  readonly answer: readonly (readonly [string, string])[];
  readonly comment: string | undefined;
}

export async function approveStep(input: ApproveInput): Promise<ExitStatus> {
  const { execution, step, reject, answer, comment, output, ...options } = input;
  const client = await openExecutions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const view = await client.change(executionNamed(execution, options.namespace), 'approve', {
    ...(step === undefined ? {} : { step }),
    decision: reject ? 'reject' : 'approve',
    answers: Object.fromEntries(answer.map(([field, text]) => [field, answerOf(text)])),
  });
  writeOutput(output, view, () => `${executionName(view)}: ${reject ? 'rejected' : 'approved'}\n`);
  return ExitStatus.Done;
}

/** Numbers and booleans as such; what is no JSON is text. */
function answerOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
