import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { FunctionStatus } from '../../../api-contract/flow-status';

/** One line for each source that has listed a bucket to its end and emitted nothing: usually a mistake in `topics`. */
export function describeEmptySources(
  { workloads }: Pick<FlowPlan, 'workloads'>,
  functions: readonly Pick<FunctionStatus, 'function' | 'out'>[],
): readonly string[] {
  return workloads.flatMap(({ function: id, spec: { inputs, endpoint, checkpoint } }) => {
    const isEmpty = functions.find((each) => each.function === id)?.out === 0;
    if (!isEmpty || endpoint === undefined || inputs.length > 0) return [];
    return [`${id}: no ${checkpoint ? 'new ' : ''}objects found at ${endpoint.topics}`];
  });
}
