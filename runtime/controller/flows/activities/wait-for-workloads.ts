import { setTimeout as delay } from 'node:timers/promises';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { Cluster, ReplicaState, WorkloadState } from '../../ports/cluster';
import { cancellation } from './cancellation';

const everyMs = 200;
/** Between looks at what was not ready when it should have been. */
const lateEveryMs = 1_000;

/** Resolves when no replica of these functions, or of any when left out, is left. */
export async function awaitGone(cluster: Cluster, flow: FlowKey, functions?: readonly string[]): Promise<void> {
  for (;;) {
    const workloads = await cluster.workloads(flow);
    const concerned = workloads.filter(({ function: id }) => functions === undefined || functions.includes(id));
    if (!concerned.some(hasLiving)) return;
    await delay(everyMs, undefined, { signal: cancellation() });
  }
}

/**
 * Resolves when every replica that is asked for is ready or has ended well; at the deadline, if there is one, or when a Job
 * has failed, with what is missing.
 */
export async function awaitReady(cluster: Cluster, flow: FlowKey, deadlineMs?: number): Promise<string | undefined> {
  const faults: Faults = new Map();
  for (;;) {
    const workloads = await cluster.workloads(flow);
    const lacking = workloads.flatMap((workload) => whyNotReady(workload, faults));
    if (lacking.length === 0) return undefined;
    const isHopeless = workloads.some(({ outcome }) => outcome === 'failed');
    if (isHopeless || (deadlineMs !== undefined && Date.now() > deadlineMs)) return lacking.join('; ');
    await delay(deadlineMs === undefined ? lateEveryMs : everyMs, undefined, { signal: cancellation() });
  }
}

/** Whether a workload has a replica that runs or may run. */
export function hasLiving({ replicas, isSettling }: WorkloadState): boolean {
  return isSettling === true || replicas.some(({ phase }) => phase !== 'succeeded' && phase !== 'failed');
}

/** What was last seen to be wrong with a replica, by function: while it is started once more it says nothing of it. */
type Faults = Map<string, string>;

/** Replicas of an earlier template do not count, nor do those that end. */
function whyNotReady(workload: WorkloadState, faults: Faults): readonly string[] {
  const { function: id, desired, outcome, message, replicas } = workload;
  if (outcome === 'succeeded') return [];
  if (outcome === 'failed') return [`${id} failed: ${message ?? 'its Job failed'}`];
  const isDone = ({ phase }: ReplicaState) => phase === 'ready' || phase === 'succeeded';
  const present = replicas.filter(({ specHash }) => specHash === workload.specHash);
  const done = present.filter(isDone).length;
  if (done >= desired) return [];
  const bad = present.find((replica) => !isDone(replica) && replica.reason !== undefined);
  if (bad !== undefined) faults.set(id, `${bad.name}: ${[bad.reason, bad.message].filter(Boolean).join(': ')}`);
  const why = faults.get(id) ?? message;
  return [`${id} has ${done} of ${desired} replicas ready${why === undefined ? '' : ` (${why})`}`];
}
