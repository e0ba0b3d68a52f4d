import { setTimeout as delay } from 'node:timers/promises';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { Cluster, WorkloadState } from '../../ports/cluster';
import type { FunctionProgress, Streams } from '../../ports/streams';
import { checkDrained, describeHoldings } from '../health/drain-check';
import { cancellation } from './cancellation';
import { hasLiving } from './wait-for-workloads';

const everyMs = 300;

/**
 * Waits until what the sources gave is processed. What lies before a paused function stays there, and is not waited for.
 * Resolves at the deadline with which function holds what.
 */
export async function drainFlow(
  { cluster, streams }: { readonly cluster: Cluster; readonly streams: Pick<Streams, 'progress'> },
  plan: FlowPlan,
  deadlineMs: number,
): Promise<string | undefined> {
  const sources = new Set(plan.workloads.filter(({ spec }) => spec.inputs.length === 0).map(({ function: id }) => id));
  const readings: (readonly FunctionProgress[])[] = [];
  for (;;) {
    const workloads = await cluster.workloads(plan);
    const haveSourcesEnded = !workloads.some((workload) => sources.has(workload.function) && hasLiving(workload));
    const idle = new Set(workloads.filter(isIdle).map(({ function: id }) => id));
    // only what was read after the sources' end counts
    if (!haveSourcesEnded) readings.length = 0;
    readings.push((await streams.progress(plan)).filter(({ function: id }) => !idle.has(id)));
    const check = checkDrained(readings.slice(-2), haveSourcesEnded);
    if (check.isDrained) return undefined;
    if (Date.now() > deadlineMs) {
      const left = describeHoldings(check.holdings);
      return left === '' ? undefined : left;
    }
    await delay(everyMs, undefined, { signal: cancellation() });
  }
}

function isIdle(workload: WorkloadState): boolean {
  return workload.desired === 0 && !hasLiving(workload);
}
