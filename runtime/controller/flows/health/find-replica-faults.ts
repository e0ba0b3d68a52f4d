import type { PlannedWorkload } from '../../../../lib/plan/flow-plan';
import type { ReplicaState, WorkloadState } from '../../ports/cluster';
import { type Finding, type HealthMemory, isStartReason } from './health-memory';

/** How long the controller may take to apply the desired state again. */
const restoreMs = 30_000;
/** How long a replica may take to become ready. */
const startMs = 120_000;

/** How long after its deadline a replica that is ending counts as lost. */
const endMarginMs = 10_000;

/** Replicas that should have ended: they hang, or their nodes are lost. A Job or a StatefulSet does not replace them. */
export function findLingering(
  { function: id, replicas }: Pick<WorkloadState, 'function' | 'replicas'>,
  now: number,
): readonly Finding[] {
  return replicas.flatMap(({ name, phase, deadline, reason = 'Terminating', message }): readonly Finding[] => {
    if (phase !== 'ending' || deadline === undefined || now - Date.parse(deadline) < endMarginMs) return [];
    const why = message ?? 'its node does not respond, or a process ignores its end';
    const text = `still terminating after its grace period: ${why}; delete the pod by force once it is certain that it does not run`;
    return [{ function: id, replica: name, reason, message: text, since: deadline, weight: 'degraded' }];
  });
}

/** Faults of the replicas of a function that should run. */
export function findReplicaFaults(
  { function: id, replicas }: Pick<PlannedWorkload, 'function' | 'replicas'>,
  state: WorkloadState | undefined,
  memory: HealthMemory,
): readonly Finding[] {
  const isWell = ({ name, phase }: ReplicaState) => phase === 'ready' && memory.lastFaultOf(name) === undefined;
  const weight = state?.replicas.some(isWell) ? 'degraded' : 'unhealthy';
  const found = (finding: Omit<Finding, 'function' | 'weight'>): Finding => ({ function: id, weight, ...finding });
  if (state === undefined) {
    return [found({ reason: 'Missing', message: `none of ${replicas} replicas exists`, graceMs: startMs })];
  }
  if (state.outcome === 'succeeded' || state.desired === 0) return [];
  if (state.outcome === 'failed') return findJobFailure(state);
  const needed = state.desired - state.replicas.filter(({ phase }) => phase === 'succeeded').length;
  const present = state.replicas.filter(({ phase }) => !['ending', 'succeeded', 'failed'].includes(phase));
  const missing = needed - present.length;
  // a failed replica is a fault until another one replaces it
  const failed = state.replicas.filter(({ phase }) => phase === 'failed').slice(-Math.max(0, missing));
  const faults = [...present, ...(missing > 0 ? failed : [])].flatMap((replica) => {
    const fault = faultOf(replica, memory);
    return fault === undefined ? [] : [found({ replica: replica.name, ...fault })];
  });
  if (missing <= 0) return faults;
  if (state.message !== undefined) return [found({ reason: 'FailedCreate', message: state.message }), ...faults];
  if (failed.length >= missing) return faults;
  const message = `${present.length} of ${needed} replicas ${present.length === 1 ? 'exists' : 'exist'}`;
  return [found({ reason: 'TooFewReplicas', message, graceMs: startMs }), ...faults];
}

/** A workload that somebody scaled in the cluster. */
export function findScaled(
  { function: id, replicas, isPaused }: Pick<PlannedWorkload, 'function' | 'replicas' | 'isPaused'>,
  { desired, outcome }: WorkloadState,
): readonly Finding[] {
  if (isPaused || outcome !== undefined || desired === replicas) return [];
  const message = `somebody scaled the workload to ${desired} of ${replicas} replicas; the controller restores it: use kflow scale or kflow pause`;
  return [
    { function: id, reason: 'Scaled', message, weight: desired === 0 ? 'unhealthy' : 'degraded', graceMs: restoreMs },
  ];
}

/** Why a Job has failed permanently. */
export function findJobFailure({
  function: id,
  outcome,
  message = 'the Job has failed',
}: WorkloadState): readonly Finding[] {
  return outcome === 'failed' ? [{ function: id, reason: 'Failed', message, weight: 'unhealthy' }] : [];
}

function faultOf(
  replica: ReplicaState,
  memory: HealthMemory,
): Pick<Finding, 'reason' | 'message' | 'since' | 'graceMs'> | undefined {
  const { name, phase, message = 'the replica is not ready', since, restarts, reason } = replica;
  const fault = memory.lastFaultOf(name);
  if (phase === 'ready') return fault;
  // while a replica restarts after a crash, the crash remains the problem
  const isFault = restarts > 0 || (reason !== undefined && !isStartReason(reason));
  if (fault !== undefined && isFault) return { ...fault, since };
  const notReady = { reason: 'NotReady', message, since };
  return memory.wasReady(replica) || phase === 'failed' ? notReady : { ...notReady, graceMs: startMs };
}
