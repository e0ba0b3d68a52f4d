import type { ReplicaState, WorkloadState } from '../../controller/ports/cluster';
import type { Pod } from './pod';
import { replicaState } from './pod-replica';
import { kindOfOwner } from './workload-part';

/** What a pod says of the replica that it is, and whose it is. */
export interface PodPart {
  readonly function: string;
  readonly kind: WorkloadState['kind'];
  /** Of a Job or StatefulSet; a Deployment's pods belong to its ReplicaSets. */
  readonly ownerUid: string;
  /** The number of a Job's replica: a failed pod and the one that was made for it have the same. */
  readonly index?: string;
  readonly createdAt: string;
  readonly state: ReplicaState;
}

/** The pod's part; undefined when no workload has made it, or it runs no function. */
export function podPart(pod: Pod): PodPart | undefined {
  const { labels, annotations, ownerReferences = [], creationTimestamp = '' } = pod.metadata;
  const owner = ownerReferences.find(({ controller }) => controller);
  const kind = owner && kindOfOwner(owner.kind);
  const functionId = labels?.['kflow.io/function'];
  if (owner === undefined || kind === undefined || functionId === undefined) return undefined;
  const index = annotations?.['batch.kubernetes.io/job-completion-index'];
  return {
    function: functionId,
    kind,
    ownerUid: owner.uid,
    ...(index === undefined ? {} : { index }),
    createdAt: creationTimestamp,
    state: replicaState(pod),
  };
}

/** Whether its process is gone for good. */
export function hasEnded({ state }: PodPart): boolean {
  return state.phase === 'succeeded' || state.phase === 'failed';
}
