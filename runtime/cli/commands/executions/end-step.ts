import { executionName } from '../../../api-contract/execution-key';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { writeOutput } from '../../terminal/output';

interface EndInput extends FlowOptions {
  readonly execution: string;
  readonly step: string;
  /** The step must have it. */
  readonly name?: string;
  readonly result: unknown;
  readonly error: string | undefined;
  readonly comment: string | undefined;
}

export async function endStep(input: EndInput): Promise<ExitStatus> {
  const { execution, step, name, result, error, comment, output, ...options } = input;
  if (result !== undefined && error !== undefined) throw usageError('give either --result or --error');
  const client = await openExecutions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const key = executionNamed(execution, options.namespace);
  if (name !== undefined) {
    const found = (await client.show(key)).steps.find((each) => each.step === step)?.name;
    if (found !== name) throw usageError(`${executionName(key)}: the step ${step} is ${found ?? 'none'}, not ${name}`);
  }
  const end = error === undefined ? { output: result } : { error: { code: 'function-failed', message: error } };
  const view = await client.change(key, 'end', { step, ...end });
  writeOutput(output, view, () => `${executionName(view)}: step ${step} ${error === undefined ? 'ended' : 'failed'}\n`);
  return ExitStatus.Done;
}
