import type { FlowKey } from '../../api-contract/flow-key';
import type { WorkloadState } from '../../controller/ports/cluster';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import type { WorkloadPart } from './flow-part';
import type { KubernetesObjects } from './kubernetes-objects';

const events: KindRef = { apiVersion: 'v1', kind: 'Event' };
/** Creating the first pods takes a moment. */
const GRACE_MS = 3_000;

interface Event extends KubernetesObject {
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
}

/**
 * Whether a workload is short of pods without a reason in its status. Deployments report the reason in a condition,
 * StatefulSets and Jobs only in events.
 */
export function lacksReason({ kind, desired, replicas, outcome }: WorkloadState, { createdAt }: WorkloadPart): boolean {
  const isShort = kind !== 'deployment' && outcome === undefined && replicas.length < desired;
  return isShort && Date.now() - Date.parse(createdAt) > GRACE_MS;
}

/** Why the pods of a workload cannot be created, such as a quota, on one line; undefined if there is no such event. */
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
