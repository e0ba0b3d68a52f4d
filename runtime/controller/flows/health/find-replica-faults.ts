import type { PlannedWorkload } from '../../../../lib/plan/flow-plan';
import type { ReplicaState, WorkloadState } from '../../ports/cluster';
import type { Finding } from './finding';
import type { HealthMemory } from './health-memory';
import { isStartReason } from './start-reasons';

/** How long a replica may take to get ready. */
const startMs = 120_000;

/** What is wrong with the replicas of a function that is to run. */
export function findReplicaFaults(
  { function: id, replicas }: Pick<PlannedWorkload, 'function' | 'replicas'>,
  state: WorkloadState | undefined,
  memory: HealthMemory,
): readonly Finding[] {
  const isWell = ({ name, phase }: ReplicaState) => phase === 'ready' && memory.lastFaultOf(name) === undefined;
  const weight = state?.replicas.some(isWell) ? 'degraded' : 'unhealthy';
  const found = (finding: Omit<Finding, 'function' | 'weight'>): Finding => ({ function: id, weight, ...finding });
  if (state === undefined) {
    return [found({ reason: 'Missing', message: `none of ${replicas} replicas is there`, graceMs: startMs })];
  }
  if (state.outcome === 'succeeded' || state.desired === 0) return [];
  if (state.outcome === 'failed') return findJobFailure(state);
  const wanted = state.desired - state.replicas.filter(({ phase }) => phase === 'succeeded').length;
  const present = state.replicas.filter(({ phase }) => !['ending', 'succeeded', 'failed'].includes(phase));
  const missing = wanted - present.length;
  // a replica that failed is a fault until another one is in its place
  const failed = state.replicas.filter(({ phase }) => phase === 'failed').slice(-Math.max(0, missing));
  const faults = [...present, ...(missing > 0 ? failed : [])].flatMap((replica) => {
    const fault = faultOf(replica, memory);
    return fault === undefined ? [] : [found({ replica: replica.name, ...fault })];
  });
  if (missing <= 0) return faults;
  if (state.message !== undefined) return [found({ reason: 'FailedCreate', message: state.message }), ...faults];
  if (failed.length >= missing) return faults;
  const message = `${present.length} of ${wanted} replicas are there`;
  return [found({ reason: 'TooFewReplicas', message, graceMs: startMs }), ...faults];
}

/** Why a Job has failed for good. */
export function findJobFailure({
  function: id,
  outcome,
  message = 'its Job has failed',
}: WorkloadState): readonly Finding[] {
  return outcome === 'failed' ? [{ function: id, reason: 'Failed', message, weight: 'unhealthy' }] : [];
}

function faultOf(
  replica: ReplicaState,
  memory: HealthMemory,
): Pick<Finding, 'reason' | 'message' | 'since' | 'graceMs'> | undefined {
  const { name, phase, message = 'it is not ready', since, restarts, reason } = replica;
  const fault = memory.lastFaultOf(name);
  if (phase === 'ready') return fault;
  // while it is started once more after a crash, the crash is still what there is to say
  const isFault = restarts > 0 || (reason !== undefined && !isStartReason(reason));
  if (fault !== undefined && isFault) return { ...fault, since };
  const notReady = { reason: 'NotReady', message, since };
  return memory.wasReady(replica) || phase === 'failed' ? notReady : { ...notReady, graceMs: startMs };
}
