import type { FlowKey } from '../../api-contract/flow-key';
import type { WorkloadState } from '../../controller/ports/cluster';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import type { KubernetesObjects } from './kubernetes-objects';
import type { WorkloadPart } from './workload-part';

const events: KindRef = { apiVersion: 'v1', kind: 'Event' };
/** The first pods take a moment. */
const PATIENCE_MS = 3_000;

interface Event extends KubernetesObject {
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
}

/**
 * Whether only events tell why a workload has fewer pods than it should: Deployments say it themselves, StatefulSets and
 * Jobs do not.
 */
export function lacksReason({ kind, desired, replicas, outcome }: WorkloadState, { createdAt }: WorkloadPart): boolean {
  const isShort = kind !== 'deployment' && outcome === undefined && replicas.length < desired;
  return isShort && Date.now() - Date.parse(createdAt) > PATIENCE_MS;
}

/** Why no pod of a workload can be made, in one line, as a quota or an admission says it; undefined when nothing is known. */
export async function creationFailure(
  objects: KubernetesObjects,
  { namespace }: FlowKey,
  { uid }: WorkloadPart,
): Promise<string | undefined> {
  const query = { fieldSelector: `involvedObject.uid=${uid},reason=FailedCreate` };
  const { items } = await objects.snapshot<Event>(events, { namespace, query });
  const timeOf = ({ lastTimestamp }: Event) => lastTimestamp ?? '';
  const last = items.reduce<Event | undefined>(
    (one, other) => (one && timeOf(one) > timeOf(other) ? one : other),
    undefined,
  );
  return last && `${last.reason}: ${(last.message ?? '').replace(/\s+/g, ' ').trim()}`;
}
