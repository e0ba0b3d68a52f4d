import { workloadName } from '../../../lib/plan/names';
import type { FlowKey } from '../../api-contract/flow-key';
import type { ReplicaState, WorkloadState } from '../../controller/ports/cluster';
import { hasEnded, type PodPart, type WorkloadPart } from './flow-part';

/** The workloads of a flow with their replicas, ordered by name, including deleted workloads whose pods remain. */
export function workloadStates(
  flow: FlowKey,
  workloads: readonly WorkloadPart[],
  pods: readonly PodPart[],
): readonly WorkloadState[] {
  const rest = new Set(pods);
  const states = workloads.map((workload) => {
    const own = pods.filter((pod) => pod.function === workload.function && pod.kind === workload.kind);
    for (const pod of own) rest.delete(pod);
    return stateOf(workload, own);
  });
  return [...states, ...leftOver(flow, [...rest])].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function stateOf(workload: WorkloadPart, pods: readonly PodPart[]): WorkloadState {
  const { uid, createdAt: _, counted, isEnding: __, ...state } = workload;
  // includes running pods of an earlier workload of the same name
  const present = pods.filter((pod) => !hasEnded(pod) || (workload.kind === 'job' && pod.ownerUid === uid));
  const replicas = workload.kind === 'job' ? jobReplicas(workload, present) : present.map((pod) => pod.state);
  const seen = present.filter((pod) => !hasEnded(pod)).length;
  return {
    ...state,
    ...(workload.outcome === 'failed' ? failureOf(workload, present) : {}),
    ...(counted > seen ? { isSettling: true } : {}),
    replicas: replicas.sort(byName),
  };
}

/** Why a Job failed: the message of its last failed pod, and that of the Job's condition. */
function failureOf({ message }: WorkloadPart, pods: readonly PodPart[]): Pick<WorkloadState, 'message'> {
  const failed = pods.filter(hasFailed).map(({ state }) => state);
  const last = failed.reduce<ReplicaState | undefined>(
    (one, other) => (one && one.since > other.since ? one : other),
    undefined,
  );
  const podMessage = last?.message === undefined ? [] : [`${last.name}: ${last.message}`];
  const text = [...podMessage, ...(message === undefined ? [] : [message])].join('; ');
  return text === '' ? {} : { message: text };
}

/** A failed pod is a replica until it is replaced, which counts as a restart, or the Job is paused. */
function jobReplicas(job: WorkloadPart, pods: readonly PodPart[]): ReplicaState[] {
  const isOver = job.outcome !== undefined;
  const replacement = (pod: PodPart) => pods.find((other) => replaces(other, pod));
  return pods
    .filter((pod) => !hasFailed(pod) || (replacement(pod) === undefined && (isOver || job.desired > 0)))
    .map((pod) => {
      const failures = pods.filter((other) => hasFailed(other) && replaces(pod, other)).length;
      const phase = hasFailed(pod) && !isOver ? 'waiting' : pod.state.phase;
      return { ...pod.state, phase, restarts: pod.state.restarts + failures };
    });
}

function hasFailed({ state }: PodPart): boolean {
  return state.phase === 'failed';
}

/** Creation times are whole seconds; in the same second, the pod that has not ended is the later one. */
function replaces(one: PodPart, other: PodPart): boolean {
  if (one.index === undefined || one.index !== other.index) return false;
  return one.createdAt === other.createdAt ? !hasEnded(one) && hasEnded(other) : one.createdAt > other.createdAt;
}

/** Workloads that are gone but whose pods have not ended. */
function leftOver(flow: FlowKey, pods: readonly PodPart[]): WorkloadState[] {
  const groups = new Map<string, PodPart[]>();
  for (const pod of pods) {
    const name = `${pod.kind} ${pod.function}`;
    if (!hasEnded(pod)) groups.set(name, [...(groups.get(name) ?? []), pod]);
  }
  return [...groups.values()].map((group) => {
    const { kind, function: functionId } = group[0] as PodPart;
    const replicas = group.map(({ state }) => state).sort(byName);
    return { function: functionId, name: workloadName(flow, functionId), kind, desired: 0, replicas };
  });
}

function byName(one: ReplicaState, other: ReplicaState): number {
  return one.name < other.name ? -1 : 1;
}
