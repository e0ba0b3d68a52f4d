import { createHash } from 'node:crypto';
import type { ApiObjectMetadata } from 'cdk8s';
import type { FlowPlan, PlannedWorkload } from '../plan/flow-plan';
import { kindOf } from '../topology/function-types/function-type';

export interface Labels {
  readonly [name: string]: string;
}

/**
 * When Argo CD applies an object: once all objects of the previous wave are healthy. Other tools ignore the annotation.
 */
export const SyncWave = { Accounts: -1, Streams: 0, Consumers: 1, Workloads: 2 } as const;
export type SyncWave = (typeof SyncWave)[keyof typeof SyncWave];

/** Labels of a namespace that admits only pods of the Pod Security Standard *restricted*. */
export const restrictedPods: Labels = Object.fromEntries(
  ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
);

/** Labels of every object of a flow. */
export function flowLabels({ jobId }: Pick<FlowPlan, 'jobId'>): Labels {
  return { 'app.kubernetes.io/part-of': jobId, 'app.kubernetes.io/managed-by': 'kflow', 'kflow.io/job': jobId };
}

/** Labels of every object of a function, and of its pods. */
export function functionLabels({ spec }: Pick<PlannedWorkload, 'spec'>): Labels {
  return {
    'app.kubernetes.io/name': spec.function,
    'app.kubernetes.io/component': kindOf(spec.type),
    'kflow.io/function': spec.function,
  };
}

/**
 * Name of the ConfigMap with a function's spec. That of a StatefulSet differs from that of a Deployment: when a function
 * changes from one to the other, Argo CD has a ConfigMap to prune too, and then prunes in the reverse order of the waves:
 * the old workload first, and it waits for the end of its pods before it creates the new one. Otherwise, it would create
 * the new one at once, beside the old one.
 */
export function configMapName({ name, kind }: Pick<PlannedWorkload, 'name' | 'kind'>): string {
  return kind === 'statefulset' ? `${name}--statefulset` : name;
}

/** Labels that select the pods of one function in a namespace. */
export function podSelector({ spec }: Pick<PlannedWorkload, 'spec'>): Labels {
  return { 'kflow.io/job': spec.jobId, 'kflow.io/function': spec.function };
}

export interface MetadataOptions {
  readonly name: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

/** The metadata of an object of a flow. */
export function metadata(wave: SyncWave, { name, labels = {}, annotations = {} }: MetadataOptions): ApiObjectMetadata {
  return { name, labels, annotations: { 'argocd.argoproj.io/sync-wave': String(wave), ...annotations } };
}

/**
 * Annotations of an object that holds data: with `keep`, Argo CD neither prunes nor deletes the object after it has been
 * removed from git, and does not count it as out of sync, which would have self-heal sync it for ever.
 */
export function dataAnnotations(onDelete: 'keep' | 'delete'): Labels {
  if (onDelete === 'delete') return {};
  return {
    'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
    'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
  };
}

/** The first 16 hexadecimal digits of a text's SHA-256, for annotations that restart pods when the text changes. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
