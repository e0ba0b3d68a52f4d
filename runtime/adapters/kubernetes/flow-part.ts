import type { KubernetesObject } from '../../controller/ports/kubernetes-object';
import type { ObjectMetadata } from './kubernetes-objects';
import type { Pod } from './pod';
import { type PodPart, podPart } from './pod-part';
import { type Workload, type WorkloadPart, workloadPart } from './workload-part';

/** What one object says of its flow. */
export type FlowPart =
  | { readonly type: 'workload'; readonly workload: WorkloadPart }
  | { readonly type: 'pod'; readonly pod: PodPart }
  | { readonly type: 'owner'; readonly isRemovalAsked: boolean };

/** Undefined for one that runs no function. */
export function partOfWorkload(object: ObjectMetadata | KubernetesObject): FlowPart | undefined {
  const workload = workloadPart(object as unknown as Workload);
  return workload && { type: 'workload', workload };
}

/** Undefined for one that is no replica of a function. */
export function partOfPod(object: ObjectMetadata | KubernetesObject): FlowPart | undefined {
  const pod = podPart(object as unknown as Pod);
  return pod && { type: 'pod', pod };
}

export function partOfOwner({ metadata }: ObjectMetadata): FlowPart {
  return { type: 'owner', isRemovalAsked: metadata.deletionTimestamp !== undefined };
}
