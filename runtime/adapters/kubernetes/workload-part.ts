import { workloadKinds } from '../../../lib/plan/controller-requirements';
import type { WorkloadState } from '../../controller/ports/cluster';
import type { ObjectMetadata } from './kubernetes-objects';
import type { Condition } from './pod';

type Kind = WorkloadState['kind'];

/** The parts of a Deployment, StatefulSet or Job that are read. */
export interface Workload extends ObjectMetadata {
  readonly metadata: ObjectMetadata['metadata'] & { readonly generation?: number; readonly creationTimestamp?: string };
  readonly spec: {
    readonly replicas?: number;
    readonly parallelism?: number;
    readonly suspend?: boolean;
    readonly template: { readonly metadata?: { readonly annotations?: { readonly [name: string]: string } } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    /** Pods that its controller counts; a Job's are `active`. */
    readonly replicas?: number;
    readonly active?: number;
    readonly conditions?: readonly Condition[] | null;
  };
}

/** What a workload says of itself, without its pods. */
export interface WorkloadPart extends Omit<WorkloadState, 'replicas'> {
  readonly uid: string;
  readonly createdAt: string;
  /** Pods that its controller counts: there may be some that are not seen yet. */
  readonly counted: number;
  /** It waits for the end of its pods, and is gone then. */
  readonly isEnding: boolean;
}

/** The workload's part; undefined when it runs no function. */
export function workloadPart(workload: Workload): WorkloadPart | undefined {
  const { name, labels, uid = '', deletionTimestamp, creationTimestamp = '' } = workload.metadata;
  const functionId = labels?.['kflow.io/function'];
  const kind = workload.kind.toLowerCase() as Kind;
  if (functionId === undefined) return undefined;
  const { spec, status = {} } = workload;
  const isEnding = deletionTimestamp !== undefined;
  const asked = (kind === 'job' ? spec.parallelism : spec.replicas) ?? 1;
  const specHash = spec.template.metadata?.annotations?.['kflow.io/spec-hash'];
  return {
    function: functionId,
    name,
    kind,
    desired: isEnding || spec.suspend ? 0 : asked,
    ...endOf(workload),
    ...(specHash === undefined ? {} : { specHash }),
    ...(isBehind(workload) ? { isSettling: true } : {}),
    uid,
    createdAt: creationTimestamp,
    counted: (kind === 'job' ? status.active : status.replicas) ?? 0,
    isEnding,
  };
}

/** The kind of workload whose pods have such an owner. */
export function kindOfOwner(owner: string): Kind | undefined {
  const kind = owner === 'ReplicaSet' ? 'Deployment' : owner;
  return workloadKinds.some((each) => each.kind === kind) ? (kind.toLowerCase() as Kind) : undefined;
}

/** A Deployment may be short of pods; a Job may have ended. */
function endOf(workload: Workload): Pick<WorkloadState, 'outcome' | 'message'> {
  const told = (type: string) => {
    const condition = conditionOf(workload, type);
    const text = [condition?.reason, condition?.message].filter((part) => part).join(': ');
    return text === '' ? {} : { message: text.replace(/\s+/g, ' ').trim() };
  };
  if (conditionOf(workload, 'Complete')) return { outcome: 'succeeded' };
  if (conditionOf(workload, 'Failed')) return { outcome: 'failed', ...told('Failed') };
  return told('ReplicaFailure');
}

/** Whether the controllers have not done what they were last asked for; what is being removed goes with its last pod. */
function isBehind(workload: Workload): boolean {
  const { kind, metadata, spec, status = {} } = workload;
  if (metadata.deletionTimestamp !== undefined) return true;
  // a Job tells nothing but that it is suspended
  if (kind !== 'Job') return (status.observedGeneration ?? 0) < (metadata.generation ?? 0);
  const hasEnded = endOf(workload).outcome !== undefined;
  return !hasEnded && spec.suspend === true && conditionOf(workload, 'Suspended') === undefined;
}

function conditionOf({ status }: Workload, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}
