import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { Cluster, ReplicaState, WorkloadState } from '../../ports/cluster';

const pollMs = 200;
/** Poll interval of waits without a deadline, which may last for hours. */
const slowPollMs = 1_000;

/** Resolves when no replica of these functions is left; without `functions`, of any function. */
export async function awaitGone(cluster: Cluster, flow: FlowKey, functions?: readonly string[]): Promise<void> {
  for (;;) {
    const workloads = await cluster.workloads(flow);
    const concerned = workloads.filter(({ function: id }) => functions === undefined || functions.includes(id));
    if (!concerned.some(hasLiveReplicas)) return;
    await cancelableDelay(pollMs);
  }
}

/**
 * Resolves with undefined when every desired replica is ready or has succeeded. Resolves with the reason at the deadline,
 * if there is one, or when a Job has failed.
 */
export async function awaitReady(cluster: Cluster, flow: FlowKey, deadlineMs?: number): Promise<string | undefined> {
  const lastFaults = new Map<string, string>();
  for (;;) {
    const workloads = await cluster.workloads(flow);
    const reasons = workloads.flatMap((workload) => whyNotReady(workload, lastFaults));
    if (reasons.length === 0) return undefined;
    const hasFailed = workloads.some(({ outcome }) => outcome === 'failed');
    if (hasFailed || (deadlineMs !== undefined && Date.now() > deadlineMs)) return reasons.join('; ');
    await cancelableDelay(deadlineMs === undefined ? slowPollMs : pollMs);
  }
}

/** Whether a workload has a replica that runs or may still start. */
export function hasLiveReplicas({ replicas, isSettling }: WorkloadState): boolean {
  return isSettling === true || replicas.some(({ phase }) => phase !== 'succeeded' && phase !== 'failed');
}

/** Rejects as soon as the running activity is canceled. */
export async function cancelableDelay(ms: number): Promise<void> {
  await delay(ms, undefined, { signal: cancellationSignal() });
}

/** Undefined outside of an activity. */
function cancellationSignal(): AbortSignal | undefined {
  try {
    return Context.current().cancellationSignal;
  } catch (error) {
    if (error instanceof Error && error.message.includes('Activity context not initialized')) return undefined;
    throw error;
  }
}

/**
 * Counts replicas of the current template only. `lastFaults` has the last fault of each function, because a replica that is
 * being restarted reports none.
 */
function whyNotReady(workload: WorkloadState, lastFaults: Map<string, string>): readonly string[] {
  const { function: id, desired, outcome, message, replicas } = workload;
  if (outcome === 'succeeded') return [];
  if (outcome === 'failed') return [`${id} failed: ${message ?? 'its Job failed'}`];
  const isDone = ({ phase }: ReplicaState) => phase === 'ready' || phase === 'succeeded';
  const current = replicas.filter(({ specHash }) => specHash === workload.specHash);
  const done = current.filter(isDone).length;
  if (done >= desired) return [];
  const faulty = current.find((replica) => !isDone(replica) && replica.reason !== undefined);
  if (faulty !== undefined) {
    lastFaults.set(id, `${faulty.name}: ${[faulty.reason, faulty.message].filter(Boolean).join(': ')}`);
  }
  const why = lastFaults.get(id) ?? message;
  return [`${id} has ${done} of ${desired} replicas ready${why === undefined ? '' : ` (${why})`}`];
}
