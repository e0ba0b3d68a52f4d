import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { FunctionStatus } from '../../../api-contract/flow-status';

/** A source that has listed a bucket to its end and emitted nothing: usually a mistake in `topics`. */
export interface EmptySource {
  readonly function: string;
  readonly message: string;
}

/** The sources of a completed batch that found no objects. */
export function findEmptySources(
  { workloads }: Pick<FlowPlan, 'workloads'>,
  functions: readonly Pick<FunctionStatus, 'function' | 'out'>[],
): readonly EmptySource[] {
  return workloads.flatMap(({ function: id, spec: { inputs, endpoint, checkpoint } }) => {
    const isEmpty = functions.find((each) => each.function === id)?.out === 0;
    if (!isEmpty || endpoint === undefined || inputs.length > 0) return [];
    return [{ function: id, message: `no ${checkpoint ? 'new ' : ''}objects found at ${endpoint.topics}` }];
  });
}
