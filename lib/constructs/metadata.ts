import type { ApiObjectMetadata } from 'cdk8s';
import type { FlowPlan, PlannedWorkload } from '../plan/flow-plan';
import { kindOf } from '../topology/function-types/function-type';

export interface Labels {
  readonly [name: string]: string;
}

/**
 * When Argo CD applies an object: those of a wave after those of the one before are healthy. Without Argo CD the
 * annotation means nothing.
 */
export const SyncWave = { Streams: 0, Consumers: 1, Workloads: 2 } as const;
export type SyncWave = (typeof SyncWave)[keyof typeof SyncWave];

/** On every object of a flow. */
export function flowLabels({ jobId }: Pick<FlowPlan, 'jobId'>): Labels {
  return { 'app.kubernetes.io/part-of': jobId, 'app.kubernetes.io/managed-by': 'kflow', 'kflow.io/job': jobId };
}

/** On every object of a function, and on its pods. */
export function functionLabels({ spec }: Pick<PlannedWorkload, 'spec'>): Labels {
  return {
    'app.kubernetes.io/name': spec.function,
    'app.kubernetes.io/component': kindOf(spec.type),
    'kflow.io/function': spec.function,
  };
}

/** What tells a function's pods from all others of a namespace. */
export function podSelector({ spec }: Pick<PlannedWorkload, 'spec'>): Labels {
  return { 'kflow.io/job': spec.jobId, 'kflow.io/function': spec.function };
}

export interface MetadataOptions {
  readonly name: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

export function metadata(wave: SyncWave, { name, labels = {}, annotations = {} }: MetadataOptions): ApiObjectMetadata {
  return { name, labels, annotations: { 'argocd.argoproj.io/sync-wave': String(wave), ...annotations } };
}

/**
 * Annotations of an object that stands for data: Argo CD leaves it where it is when it goes out of git, until the
 * document says `onDelete: delete`.
 */
export function dataAnnotations(onDelete: 'keep' | 'delete'): Labels {
  return onDelete === 'keep' ? { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' } : {};
}
