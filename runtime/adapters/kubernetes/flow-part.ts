import { workloadKinds } from '../../../lib/plan/controller-requirements';
import type { ReplicaState, WorkloadState } from '../../controller/ports/cluster';
import type { KubernetesObject } from '../../controller/ports/kubernetes-object';
import { FIELD_MANAGER, type ObjectMetadata } from './kubernetes-objects';
import type { Condition, Pod } from './pod';
import { isCreating, replicaState } from './pod-replica';

/** What one object contributes to the state of its flow. */
export type FlowPart =
  | { readonly type: 'workload'; readonly workload: WorkloadPart }
  | { readonly type: 'pod'; readonly pod: PodPart }
  | { readonly type: 'owner'; readonly isRemovalRequested: boolean };

/** Undefined for a workload that does not run a function. */
export function partOfWorkload(object: ObjectMetadata | KubernetesObject): FlowPart | undefined {
  const workload = workloadPart(object as unknown as Workload);
  return workload && { type: 'workload', workload };
}

/** Undefined for a pod that is not a replica of a function. */
export function partOfPod(object: ObjectMetadata | KubernetesObject): FlowPart | undefined {
  const pod = podPart(object as unknown as Pod);
  return pod && { type: 'pod', pod };
}

/** The owner object of a flow: its deletion requests the removal of the flow. */
export function partOfOwner({ metadata }: ObjectMetadata): FlowPart {
  return { type: 'owner', isRemovalRequested: metadata.deletionTimestamp !== undefined };
}

type Kind = WorkloadState['kind'];

/** The fields of a Deployment, StatefulSet or Job that KFlow reads. */
export interface Workload extends ObjectMetadata {
  readonly metadata: ObjectMetadata['metadata'] & {
    readonly generation?: number;
    readonly managedFields?: readonly ManagedFields[] | null;
  };
  readonly spec: {
    readonly replicas?: number;
    readonly parallelism?: number;
    readonly suspend?: boolean;
    readonly template: { readonly metadata?: { readonly annotations?: { readonly [name: string]: string } } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    /** Pods counted by the controller of the workload; `active` of a Job. */
    readonly replicas?: number;
    readonly active?: number;
    readonly conditions?: readonly Condition[] | null;
  };
}

/** Fields of an object that one client set, and when. */
interface ManagedFields {
  readonly manager?: string;
  readonly time?: string;
  readonly subresource?: string;
  /** The fields that the manager owns; of two managers that set a field, the later one owns it. */
  readonly fieldsV1?: { readonly 'f:spec'?: object };
}

/** The state of a workload without its pods. */
export interface WorkloadPart extends Omit<WorkloadState, 'replicas'> {
  readonly uid: string;
  readonly createdAt: string;
  /** Pods counted by the controller of the workload, which may include pods that KFlow has not seen yet. */
  readonly counted: number;
  /** The workload is being deleted, and disappears with its last pod. */
  readonly isEnding: boolean;
}

/** Undefined for a workload that does not run a function. */
export function workloadPart(workload: Workload): WorkloadPart | undefined {
  const { name, labels, uid = '', deletionTimestamp, creationTimestamp = '' } = workload.metadata;
  const functionId = labels?.['kflow.io/function'];
  const kind = workload.kind.toLowerCase() as Kind;
  if (functionId === undefined) return undefined;
  const { spec, status = {} } = workload;
  const isEnding = deletionTimestamp !== undefined;
  const requested = (kind === 'job' ? spec.parallelism : spec.replicas) ?? 1;
  const specHash = spec.template.metadata?.annotations?.['kflow.io/spec-hash'];
  return {
    function: functionId,
    name,
    kind,
    desired: isEnding || spec.suspend ? 0 : requested,
    ...endOf(workload),
    ...(specHash === undefined ? {} : { specHash }),
    ...(workload.metadata.generation === undefined ? {} : { generation: workload.metadata.generation }),
    ...changeOf(workload),
    ...(isBehind(workload) ? { isSettling: true } : {}),
    uid,
    createdAt: creationTimestamp,
    counted: (kind === 'job' ? status.active : status.replicas) ?? 0,
    isEnding,
  };
}

/** The client that changed the workload last, unless it is KFlow. Only the cluster itself writes the status. */
function changeOf({ metadata }: Workload): Pick<WorkloadState, 'changedBy'> {
  const changes = (metadata.managedFields ?? []).filter(({ subresource }) => subresource !== 'status');
  // Times are whole seconds. Within one, who owns a part of the specification has set it after KFlow, which takes all that it
  // sets, or has added to it.
  const rankOf = (change: ManagedFields) =>
    `${change.time ?? ''} ${isOwn(change) ? 1 : hasSpecification(change) ? 2 : 0}`;
  const latest = changes.reduce<ManagedFields>((one, other) => (rankOf(other) > rankOf(one) ? other : one), {});
  return latest.manager === undefined || isOwn(latest) ? {} : { changedBy: latest.manager };
}

function hasSpecification({ fieldsV1 }: ManagedFields): boolean {
  return fieldsV1?.['f:spec'] !== undefined;
}

function isOwn({ manager }: ManagedFields): boolean {
  return manager === FIELD_MANAGER || manager === 'kube-controller-manager';
}

/** The kind of workload whose pods have an owner of this kind. */
function kindOfOwner(owner: string): Kind | undefined {
  const kind = owner === 'ReplicaSet' ? 'Deployment' : owner;
  return workloadKinds.some((each) => each.kind === kind) ? (kind.toLowerCase() as Kind) : undefined;
}

/** How a Job ended, or why a Deployment cannot create pods. */
function endOf(workload: Workload): Pick<WorkloadState, 'outcome' | 'message'> {
  const messageOf = (type: string) => {
    const condition = conditionOf(workload, type);
    const text = [condition?.reason, condition?.message].filter((part) => part).join(': ');
    return text === '' ? {} : { message: text.replace(/\s+/g, ' ').trim() };
  };
  if (conditionOf(workload, 'Complete')) return { outcome: 'succeeded' };
  if (conditionOf(workload, 'Failed')) return { outcome: 'failed', ...messageOf('Failed') };
  return messageOf('ReplicaFailure');
}

/** Whether Kubernetes has not processed the latest change yet. A workload that is being deleted disappears with its last pod. */
function isBehind(workload: Workload): boolean {
  const { kind, metadata, spec, status = {} } = workload;
  if (metadata.deletionTimestamp !== undefined) return true;
  // a Job reports only that it is suspended
  if (kind !== 'Job') return (status.observedGeneration ?? 0) < (metadata.generation ?? 0);
  const hasEnded = endOf(workload).outcome !== undefined;
  return !hasEnded && spec.suspend === true && conditionOf(workload, 'Suspended') === undefined;
}

function conditionOf({ status }: Workload, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** The state of a pod as a replica of a function. */
export interface PodPart {
  readonly uid: string;
  readonly function: string;
  readonly kind: WorkloadState['kind'];
  /** Uid of the Job or StatefulSet, or of the Deployment's ReplicaSet. */
  readonly ownerUid: string;
  /** Completion index of a Job's pod. A failed pod and its replacement have the same index. */
  readonly index?: string;
  readonly createdAt: string;
  /** None of its containers has started yet. */
  readonly isCreating?: true;
  readonly state: ReplicaState;
}

/** Undefined for a pod without a workload, or one that does not run a function. */
export function podPart(pod: Pod): PodPart | undefined {
  const { uid = '', labels, annotations, ownerReferences = [], creationTimestamp = '' } = pod.metadata;
  const owner = ownerReferences.find(({ controller }) => controller);
  const kind = owner && kindOfOwner(owner.kind);
  const functionId = labels?.['kflow.io/function'];
  if (owner === undefined || kind === undefined || functionId === undefined) return undefined;
  const index = annotations?.['batch.kubernetes.io/job-completion-index'];
  return {
    uid,
    function: functionId,
    kind,
    ownerUid: owner.uid,
    ...(index === undefined ? {} : { index }),
    createdAt: creationTimestamp,
    ...(isCreating(pod) ? { isCreating: true } : {}),
    state: replicaState(pod),
  };
}

/** Whether the pod has ended for good. */
export function hasEnded({ state }: PodPart): boolean {
  return state.phase === 'succeeded' || state.phase === 'failed';
}
