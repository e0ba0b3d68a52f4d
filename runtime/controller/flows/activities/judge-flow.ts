import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { Cluster } from '../../ports/cluster';
import type { Streams } from '../../ports/streams';
import type { Verdict } from '../workflow/flow-activities';

/**
 * A batch flow has completed when every Job of its plan has succeeded, or had before; it has failed when one has. A flow
 * without Jobs goes on until somebody ends it. Of what has completed it is said when records were given up on.
 */
export async function judgeFlow(
  { cluster, streams }: { readonly cluster: Cluster; readonly streams: Pick<Streams, 'progress'> },
  plan: FlowPlan,
  ended: readonly string[],
): Promise<Verdict> {
  const jobs = plan.workloads.filter(({ kind }) => kind === 'job');
  if (jobs.length === 0) return { outcome: 'open' };
  const states = new Map((await cluster.workloads(plan)).map((state) => [state.function, state]));
  const failures = jobs.flatMap(({ function: id }) => {
    const state = states.get(id);
    return state?.outcome === 'failed' ? [`${id}: ${state.message ?? 'its Job failed'}`] : [];
  });
  if (failures.length > 0) return { outcome: 'failed', reason: failures.join('; ') };
  const isDone = (id: string) => ended.includes(id) || states.get(id)?.outcome === 'succeeded';
  if (!jobs.every(({ function: id }) => isDone(id))) return { outcome: 'open' };
  const givenUp = (await streams.progress(plan)).filter(({ dead }) => dead > 0);
  if (givenUp.length === 0) return { outcome: 'completed' };
  const counts = givenUp.map(({ function: id, dead }) => `${id} on ${dead === 1 ? '1 record' : `${dead} records`}`);
  return { outcome: 'completed', reason: `in the dead letters is what was given up on: ${counts.join(', ')}` };
}
