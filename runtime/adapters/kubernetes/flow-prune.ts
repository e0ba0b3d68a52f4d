import { StoreError } from '../../../lib/errors';
import { flowKinds, workloadKinds } from '../../../lib/plan/controller-requirements';
import { flowObjectName, workloadName } from '../../../lib/plan/names';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { Limit } from '../../async/limit';
import { waitUntil } from '../../async/poll';
import type { KindRef, ObjectRef } from '../../controller/ports/kubernetes-object';
import { isWorkload } from './flow-apply';
import { FlowOwner } from './flow-owner';
import { flowSelector } from './flow-selector';
import type { KubernetesObjects, ObjectMetadata } from './kubernetes-objects';
import type { Pod } from './pod';
import { podPart } from './pod-part';

const pods: KindRef = { apiVersion: 'v1', kind: 'Pod' };
const KILL_TIMEOUT_MS = 20_000;
const POLL_MS = 100;
const MAX_REQUESTS = 8;

/**
 * Removes objects of a flow.
 *
 * I1. A workload stays until its pods are gone, so that nobody takes it for ended while they work.
 * I2. The owner goes last: it is what tells that the flow is to be removed.
 */
export class FlowPrune {
  private readonly owner: FlowOwner;

  constructor(private readonly objects: KubernetesObjects) {
    this.owner = new FlowOwner(objects);
  }

  /** Gives the workloads that it has had removed. */
  async run(
    flow: FlowKey,
    keep: readonly ObjectRef[],
    { now = false }: { readonly now?: boolean },
  ): Promise<readonly ObjectMetadata[]> {
    const requests = new Limit(MAX_REQUESTS);
    const kept = new Set([...keep.map(keyOf), keyOf(ownerRef(flow))]);
    const list = (kind: KindRef) => this.objects.listMetadata(kind, flow.namespace, flowSelector(flow));
    const found = (await requests.map(flowKinds, list)).flat();
    const surplus = found.filter((object) => !kept.has(keyOf(object)));
    const workloads = surplus.filter(isWorkload);
    await requests.map(workloads, (each) => this.remove(each, 'Foreground'));
    await requests.map(
      surplus.filter((object) => !isWorkload(object)),
      (each) => this.remove(each, 'Background'),
    );
    if (now) await this.kill(flow, kept);
    if (keep.length === 0) await this.owner.release(flow);
    return workloads;
  }

  private remove(object: ObjectMetadata, propagation: 'Foreground' | 'Background'): Promise<boolean> {
    return this.objects.remove(object, { propagation, uid: object.metadata.uid });
  }

  /** Ends pods whose workload is not kept without their grace time. More may come until their ReplicaSet has gone. */
  private async kill(flow: FlowKey, kept: ReadonlySet<string>): Promise<void> {
    const requests = new Limit(MAX_REQUESTS);
    let doomed: readonly Pod[] = [];
    const areGone = async () => {
      const found = (await this.objects.list(pods, flow.namespace, flowSelector(flow))) as unknown as Pod[];
      doomed = found.filter((pod) => !isOfKept(flow, pod, kept));
      await requests.map(doomed.filter(isToBeKilled), ({ apiVersion, kind, metadata }) =>
        this.objects.remove({ apiVersion, kind, metadata }, { graceSeconds: 0, uid: metadata.uid }),
      );
      return doomed.length === 0;
    };
    if (await waitUntil(areGone, { intervalMs: POLL_MS, timeoutMs: KILL_TIMEOUT_MS })) return;
    const names = doomed.map(({ metadata }) => metadata.name).join(', ');
    const what = `flow ${flowName(flow)}: pods still present after ${KILL_TIMEOUT_MS / 1_000} s: ${names}`;
    throw new StoreError('store-failed', `${what}; try again`);
  }
}

function isToBeKilled({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined || metadata.deletionGracePeriodSeconds !== 0;
}

/** Whether the workload that has made a pod is kept; a pod of none goes with the last of the flow. */
function isOfKept(flow: FlowKey, pod: Pod, kept: ReadonlySet<string>): boolean {
  const part = podPart(pod);
  const kind = workloadKinds.find((each) => each.kind.toLowerCase() === part?.kind);
  if (part === undefined || kind === undefined) return kept.size > 1;
  return kept.has(keyOf({ ...kind, metadata: { name: workloadName(flow, part.function) } }));
}

function ownerRef(flow: FlowKey): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: flowObjectName(flow) } };
}

/** What tells an object from all others of its flow; versions of one group are the same. */
function keyOf({ apiVersion, kind, metadata }: ObjectRef): string {
  return `${apiVersion.split('/').slice(0, -1)} ${kind} ${metadata.name}`;
}
