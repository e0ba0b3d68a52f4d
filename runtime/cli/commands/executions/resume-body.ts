import type { ResumeRequest } from '../../../api-contract/execution-changes';
import { readTaskFlow } from '../../documents/load-task-flow';
import { usageError } from '../../frame/exit-status';
import { jsonValue } from '../../frame/values';

interface ResumeInput {
  readonly input: unknown;
  readonly stepInput: readonly (readonly [string, string])[];
  readonly from: readonly string[];
  readonly flow: string | undefined;
}

/** The body of a resume. Throws CommandError for a value that is not JSON, KFlowError for a flow with errors. */
export function resumeBody({ input, stepInput, from, flow }: ResumeInput): ResumeRequest {
  const inputs = Object.fromEntries(stepInput.map(([step, text]) => [step, inputOf(step, text)]));
  return {
    ...(input === undefined ? {} : { input }),
    ...(stepInput.length === 0 ? {} : { inputs }),
    ...(from.length === 0 ? {} : { from: [...from] }),
    ...(flow === undefined ? {} : { flow: readTaskFlow(flow).text }),
  };
}

function inputOf(step: string, text: string): unknown {
  try {
    return jsonValue(text);
  } catch (error) {
    throw usageError(`--step-input ${step}: ${(error as Error).message}`);
  }
}
