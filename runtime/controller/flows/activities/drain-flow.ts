import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { Cluster, WorkloadState } from '../../ports/cluster';
import type { FunctionProgress, Streams } from '../../ports/streams';
import { checkDrained, describeHoldings } from '../health/drain-check';
import { cancelableDelay, hasLiveReplicas } from './wait-for-workloads';

const pollMs = 300;

/**
 * Resolves with undefined when every record that the sources wrote is processed, except for records waiting for paused
 * functions. Resolves at the deadline with the functions that still hold records.
 */
export async function drainFlow(
  { cluster, streams }: { readonly cluster: Cluster; readonly streams: Pick<Streams, 'progress' | 'flushBulks'> },
  plan: FlowPlan,
  deadlineMs: number,
): Promise<string | undefined> {
  const sources = new Set(plan.workloads.filter(({ spec }) => spec.inputs.length === 0).map(({ function: id }) => id));
  let before: readonly FunctionProgress[] | undefined;
  for (;;) {
    const workloads = await cluster.workloads(plan);
    const haveSourcesEnded = !workloads.some((state) => sources.has(state.function) && hasLiveReplicas(state));
    const paused = new Set(workloads.filter(isPaused).map(({ function: id }) => id));
    const last = (await streams.progress(plan)).filter(({ function: id }) => !paused.has(id));
    const check = checkDrained(before === undefined ? [last] : [before, last], haveSourcesEnded);
    if (check.isDrained) return undefined;
    if (Date.now() > deadlineMs) {
      const left = describeHoldings(check.holdings);
      return left === '' ? undefined : left;
    }
    before = last;
    await streams.flushBulks(plan); // a bulk may wait longer than the drain
    await cancelableDelay(pollMs);
  }
}

function isPaused(workload: WorkloadState): boolean {
  return workload.desired === 0 && !hasLiveReplicas(workload);
}
