import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { KFlowError } from '../../../../lib/errors';
import type { KubernetesObjects } from '../../../adapters/kubernetes/kubernetes-objects';
import { type Change, objectKey, pairReplaced } from './change';
import type { RenderedFlow } from './render-flows';

/** Kinds of objects that a flow may have in a cluster. */
const kinds = [
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'jetstream.nats.io/v1beta2', kind: 'Stream' },
  { apiVersion: 'jetstream.nats.io/v1beta2', kind: 'Consumer' },
  { apiVersion: 'jetstream.nats.io/v1beta2', kind: 'KeyValue' },
];

/** Metadata that the server sets. */
const bookkeeping = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp', 'selfLink'];

type LiveObjects = Pick<KubernetesObjects, 'read' | 'apply' | 'list'>;

/**
 * How a flow differs from a cluster, by a dry-run apply of each object, which includes the server's defaults and admission.
 * Changes nothing.
 */
export async function changesAgainstCluster(flow: RenderedFlow, cluster: LiveObjects): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const object of flow.objects) {
    const change = await compare(cluster, object);
    if (change !== undefined) changes.push(change);
  }
  return pairReplaced([...changes, ...(await leftOver(cluster, flow))]).map(({ before, after, ...others }) => {
    const isPair = before !== undefined && after !== undefined && before.metadata.name !== after.metadata.name;
    return { before: isPair ? like(after, before) : before, after, ...others };
  });
}

async function compare(cluster: LiveObjects, object: Manifest): Promise<Change | undefined> {
  const live = await cluster.read(object);
  if (live === undefined) return { after: object };
  const before = withoutBookkeeping(live);
  try {
    const { object: applied } = await cluster.apply(object, { dryRun: true, force: true });
    const after = withoutBookkeeping(applied);
    return isDeepStrictEqual(before, after) ? undefined : { before, after };
  } catch (error) {
    if (!(error instanceof KFlowError) || error.code !== 'object-immutable') throw error;
    return { before: like(object, before), after: object, replacedBecause: 'immutable fields differ' };
  }
}

/** Objects of the flow in the cluster that are no longer rendered. */
async function leftOver(cluster: LiveObjects, { namespace, jobId, objects }: RenderedFlow): Promise<Change[]> {
  const rendered = new Set(objects.map(objectKey));
  const found = await Promise.all(kinds.map((kind) => cluster.list(kind, namespace, `kflow.io/job=${jobId}`)));
  return found
    .flat()
    .map((object) => withoutBookkeeping(object))
    .filter((object) => !rendered.has(objectKey(object)))
    .map((before) => ({ before }));
}

function withoutBookkeeping({ status: _, ...object }: object & { readonly status?: unknown }): Manifest {
  const { metadata, ...others } = object as unknown as Manifest;
  const kept = Object.entries(metadata).filter(([key]) => !bookkeeping.includes(key));
  return { ...others, metadata: Object.fromEntries(kept) as Manifest['metadata'] };
}

/** The part of `value` that `shape` has too: a live object without the server's defaults. */
function like<T>(shape: T, value: unknown): T {
  if (Array.isArray(shape) && Array.isArray(value)) {
    return value.map((item, index) => like(shape[index], item)) as T;
  }
  if (typeof shape !== 'object' || shape === null || typeof value !== 'object' || value === null) return value as T;
  const entries = Object.entries(shape).filter(([key]) => Object.hasOwn(value, key));
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, like(inner, (value as { readonly [key: string]: unknown })[key])]),
  ) as T;
}
