import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { Cluster } from '../ports/cluster';
import type { Verdict } from '../workflows/flow-activities';

/**
 * A batch flow has completed when every Job of its plan has succeeded, or had before; it has failed when one has. A flow
 * without Jobs goes on until somebody ends it.
 */
export async function judgeFlow(cluster: Cluster, plan: FlowPlan, ended: readonly string[]): Promise<Verdict> {
  const jobs = plan.workloads.filter(({ kind }) => kind === 'job');
  if (jobs.length === 0) return { outcome: 'open' };
  const states = new Map((await cluster.workloads(plan)).map((state) => [state.function, state]));
  const failures = jobs.flatMap(({ function: id }) => {
    const state = states.get(id);
    return state?.outcome === 'failed' ? [`${id}: ${state.message ?? 'its Job failed'}`] : [];
  });
  if (failures.length > 0) return { outcome: 'failed', reason: failures.join('; ') };
  const isDone = (id: string) => ended.includes(id) || states.get(id)?.outcome === 'succeeded';
  return { outcome: jobs.every(({ function: id }) => isDone(id)) ? 'completed' : 'open' };
}
