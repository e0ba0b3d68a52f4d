import { StoreError } from '../../../lib/errors';
import { flowKinds, workloadKinds } from '../../../lib/plan/controller-requirements';
import { flowObjectName, workloadName } from '../../../lib/plan/names';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { Limit } from '../../async/limit';
import { waitUntil } from '../../async/poll';
import type { KindRef, ObjectRef } from '../../controller/ports/kubernetes-object';
import { isWorkload } from './flow-apply';
import { flowSelector } from './flow-labels';
import { FlowOwner } from './flow-owner';
import { podPart } from './flow-part';
import type { KubernetesObjects, ObjectMetadata } from './kubernetes-objects';
import type { Pod } from './pod';

const pods: KindRef = { apiVersion: 'v1', kind: 'Pod' };
const KILL_TIMEOUT_MS = 20_000;
const POLL_MS = 100;
const MAX_REQUESTS = 8;

/**
 * Deletes objects of a flow.
 *
 * I1. A workload stays until its pods are gone, so that the flow does not appear stopped while pods still run.
 * I2. The owner object is deleted last, because its deletion is the request to remove the flow.
 */
export class FlowPrune {
  private readonly owner: FlowOwner;

  constructor(private readonly objects: KubernetesObjects) {
    this.owner = new FlowOwner(objects);
  }

  /** Returns the deleted workloads. */
  async run(
    flow: FlowKey,
    keep: readonly ObjectRef[],
    { now = false }: { readonly now?: boolean },
  ): Promise<readonly ObjectMetadata[]> {
    const requests = new Limit(MAX_REQUESTS);
    const kept = new Set([...keep.map(keyOf), keyOf(ownerRef(flow))]);
    const labelSelector = flowSelector(flow);
    // where the controller may not see Secrets, the flow has none
    const list = (kind: KindRef) =>
      this.objects.listMetadata(kind, flow.namespace, { labelSelector, isOptional: kind.kind === 'Secret' });
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

  /** Deletes the pods of deleted workloads without a grace period, until their ReplicaSets create no more. */
  private async kill(flow: FlowKey, kept: ReadonlySet<string>): Promise<void> {
    const requests = new Limit(MAX_REQUESTS);
    let remaining: readonly Pod[] = [];
    const areGone = async () => {
      const found = (await this.objects.list(pods, flow.namespace, flowSelector(flow))) as unknown as Pod[];
      remaining = found.filter((pod) => !isOfKept(flow, pod, kept));
      await requests.map(remaining.filter(needsKill), ({ apiVersion, kind, metadata }) =>
        this.objects.remove({ apiVersion, kind, metadata }, { graceSeconds: 0, uid: metadata.uid }),
      );
      return remaining.length === 0;
    };
    if (await waitUntil(areGone, { intervalMs: POLL_MS, timeoutMs: KILL_TIMEOUT_MS })) return;
    const names = remaining.map(({ metadata }) => metadata.name).join(', ');
    const what = `flow ${flowName(flow)}: pods still present after ${KILL_TIMEOUT_MS / 1_000} s: ${names}`;
    throw new StoreError('store-failed', `${what}; try again`);
  }
}

function needsKill({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined || metadata.deletionGracePeriodSeconds !== 0;
}

/** Whether the workload of a pod is kept. A pod without a workload is deleted with the last object of the flow. */
function isOfKept(flow: FlowKey, pod: Pod, kept: ReadonlySet<string>): boolean {
  const part = podPart(pod);
  const kind = workloadKinds.find((each) => each.kind.toLowerCase() === part?.kind);
  if (part === undefined || kind === undefined) return kept.size > 1;
  return kept.has(keyOf({ ...kind, metadata: { name: workloadName(flow, part.function) } }));
}

function ownerRef(flow: FlowKey): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: flowObjectName(flow) } };
}

/** Identifies an object within its flow, whatever the version of its API group. */
function keyOf({ apiVersion, kind, metadata }: ObjectRef): string {
  return `${apiVersion.split('/').slice(0, -1)} ${kind} ${metadata.name}`;
}
