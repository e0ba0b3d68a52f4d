import type { ReplicaState, WorkloadState } from '../../controller/ports/cluster';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import type { PodPart, WorkloadPart } from './flow-part';
import type { KubernetesObjects } from './kubernetes-objects';

const events: KindRef = { apiVersion: 'v1', kind: 'Event' };
/** Creating and starting pods takes a moment. */
const graceMs = 3_000;
/** The events of an object are read at most this often: states are read several times a second. */
const keptMs = 1_000;
/** Pods of a workload whose events are read: their reasons are mostly the same. */
const maxPods = 8;

interface Event extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  /** Without `lastTimestamp`. */
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string } | null;
}

/** What a state was read from. */
export interface StateParts {
  readonly workload: WorkloadPart | undefined;
  readonly pods: readonly PodPart[];
}

/**
 * Adds to states what only events say: why StatefulSets and Jobs cannot create pods, such as a quota, and why a node cannot
 * create the containers of a pod, such as a Secret or a volume that is missing.
 */
export class EventReasons {
  private readonly kept = new Map<string, { readonly untilMs: number; readonly found: Promise<readonly Event[]> }>();

  constructor(private readonly objects: KubernetesObjects) {}

  async explain(namespace: string, state: WorkloadState, { workload, pods }: StateParts): Promise<WorkloadState> {
    const stuck = pods.filter(isStuck).slice(0, maxPods);
    const obstacles = await Promise.all(stuck.map((pod) => this.obstacleOf(namespace, pod)));
    const reasons = new Map(stuck.map(({ state: { name } }, index) => [name, obstacles[index]]));
    const replicas = state.replicas.map((replica): ReplicaState => {
      const reason = replica.phase === 'starting' ? reasons.get(replica.name) : undefined;
      return reason === undefined ? replica : { ...replica, phase: 'waiting', ...reason };
    });
    const message = workload && lacksReason(state, workload) ? await this.failureOf(namespace, workload) : undefined;
    return { ...state, replicas, ...(message === undefined ? {} : { message }) };
  }

  /** Why the pods of a workload cannot be created, on one line; undefined if there is no such event. */
  private async failureOf(namespace: string, { uid }: WorkloadPart): Promise<string | undefined> {
    const found = await this.eventsOf(namespace, uid);
    const last = latest(found.filter(({ reason }) => reason === 'FailedCreate'));
    return last && `${last.reason}: ${messageOf(last)}`;
  }

  /** A warning counts until something else happens to the pod. */
  private async obstacleOf(
    namespace: string,
    { uid }: PodPart,
  ): Promise<Pick<ReplicaState, 'reason' | 'message'> | undefined> {
    const last = latest(await this.eventsOf(namespace, uid));
    return last?.type === 'Warning' ? { reason: last.reason ?? 'Warning', message: messageOf(last) } : undefined;
  }

  private eventsOf(namespace: string, uid: string): Promise<readonly Event[]> {
    const nowMs = Date.now();
    for (const [key, { untilMs }] of this.kept) if (untilMs <= nowMs) this.kept.delete(key);
    const scope = { namespace, query: { fieldSelector: `involvedObject.uid=${uid}` }, isOptional: true };
    const found = this.kept.get(uid)?.found ?? this.objects.snapshot<Event>(events, scope).then(({ items }) => items);
    if (!this.kept.has(uid)) this.kept.set(uid, { untilMs: nowMs + keptMs, found });
    return found;
  }
}

/** Whether a workload is short of pods without a reason in its status. Deployments report the reason in a condition. */
function lacksReason({ kind, desired, replicas, outcome }: WorkloadState, { createdAt }: WorkloadPart): boolean {
  return kind !== 'deployment' && outcome === undefined && replicas.length < desired && isOld(createdAt);
}

/** Whether none of the pod's containers has started, and its status does not say why. */
function isStuck({ isCreating, state: { phase }, createdAt }: PodPart): boolean {
  return isCreating === true && phase === 'starting' && isOld(createdAt);
}

function isOld(createdAt: string): boolean {
  return Date.now() - Date.parse(createdAt) > graceMs;
}

/** Some times are whole seconds: of two events in one second, the warning counts. */
function latest(found: readonly Event[]): Event | undefined {
  const rankOf = (event: Event) => 2 * secondOf(event) + (event.type === 'Warning' ? 1 : 0);
  return found.reduce<Event | undefined>(
    (one, other) => (one !== undefined && rankOf(one) > rankOf(other) ? one : other),
    undefined,
  );
}

function secondOf({ series, lastTimestamp, eventTime }: Event): number {
  return Math.floor(Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? '') / 1_000) || 0;
}

function messageOf({ message = '' }: Event): string {
  return message.replace(/\s+/g, ' ').trim();
}
