import { z } from 'zod';
import { executionName } from '../../../api-contract/execution-key';
import type { ExecutionDetail } from '../../../api-contract/execution-status';
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
  const key = executionNamed(execution, options.namespace);
  const form = answer.length === 0 ? {} : formOf(await client.show(key), step);
  const view = await client.change(key, 'approve', {
    ...(step === undefined ? {} : { step }),
    decision: reject ? 'reject' : 'approve',
    answers: Object.fromEntries(answer.map(([field, text]) => [field, answerOf(text, form[field]?.type)])),
  });
  writeOutput(output, view, () => `${executionName(view)}: ${reject ? 'rejected' : 'approved'}\n`);
  return ExitStatus.Done;
}

const approvalSchema = z.object({ form: z.record(z.string(), z.looseObject({ type: z.string() })) });

/** The fields of the step that is decided. */
function formOf({ steps }: ExecutionDetail, wanted: string | undefined): z.infer<typeof approvalSchema>['form'] {
  const decided = steps.find((each) => each.waits?.for === 'approval' && (wanted ?? each.step) === each.step);
  return approvalSchema.safeParse(decided?.parameters).data?.form ?? {};
}

/** Numbers and booleans as such, unless the field has a text; what is no JSON is text. */
function answerOf(text: string, type: string | undefined): unknown {
  const isText = type === 'string' || type === 'enum';
  try {
    const value: unknown = JSON.parse(text);
    return isText && typeof value !== 'string' ? text : value;
  } catch {
    return text;
  }
}
