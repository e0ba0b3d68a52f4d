import type { FlowPlan } from '../../../../lib/plan/flow-plan';

/** These functions and every one that their outputs reach, in the order of the plan. */
export function functionsAfter(plan: FlowPlan, functions: readonly string[]): readonly string[] {
  const reached = new Set(functions);
  let before = 0;
  while (reached.size > before) {
    before = reached.size;
    for (const { spec } of plan.workloads) {
      if (spec.inputs.some(({ function: from }) => reached.has(from))) reached.add(spec.function);
    }
  }
  return plan.workloads.map(({ spec }) => spec.function).filter((id) => reached.has(id));
}
