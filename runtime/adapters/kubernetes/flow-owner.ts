import { StoreError } from '../../../lib/errors';
import { flowObjectName } from '../../../lib/plan/names';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { assertOurs } from './assert-ours';
import { flowLabels, ownerLabels } from './flow-selector';
import type { KubernetesObjects, ObjectMetadata, OwnerReference } from './kubernetes-objects';

/** Keeps the owner of a flow that somebody removes until its data are removed too. */
const dataFinalizer = 'kflow.io/data';

export interface FlowOwnerOptions {
  /** What somebody else removes, as with kubectl, stays until `release`: for whoever then removes the flow's data. */
  readonly guardsData?: boolean;
}

/** The ConfigMap that stands for a flow: all its other objects go with it. */
export class FlowOwner {
  constructor(
    private readonly objects: KubernetesObjects,
    private readonly options: FlowOwnerOptions = {},
  ) {}

  /** Makes it when it is not there. Throws StoreError `store-failed` while it is being removed. */
  async ensure(flow: FlowKey, revision?: string): Promise<OwnerReference> {
    const ref = refOf(flow);
    const live = await this.objects.readMetadata(ref);
    if (live !== undefined) assertOurs(flow, live);
    // a change of what is being removed is of no effect
    if (live?.metadata.deletionTimestamp === undefined) {
      const { object } = await this.objects.apply(this.manifestOf(flow, revision), { force: true });
      const { name, uid = '', deletionTimestamp } = (object as ObjectMetadata).metadata;
      if (deletionTimestamp === undefined) return { apiVersion: ref.apiVersion, kind: ref.kind, name, uid };
    }
    const what = `flow ${flowName(flow)}: somebody has removed its ConfigMap ${ref.metadata.name}`;
    throw new StoreError('store-failed', `${what}, and its objects and data with it; try again when they are gone`);
  }

  /** Removes it, whoever has asked for it. */
  async release(flow: FlowKey): Promise<void> {
    const ref = refOf(flow);
    const live = await this.objects.readMetadata(ref);
    const { uid, finalizers = [] } = live?.metadata ?? {};
    if (uid === undefined) return;
    // Without what we had applied to it; of one that is being removed this is the end. The uid keeps it from being made.
    if (finalizers.includes(dataFinalizer)) {
      await this.objects.apply({ ...ref, metadata: { ...ref.metadata, labels: labelsOf(flow), uid } }, { force: true });
    }
    await this.objects.remove(ref, { uid });
  }

  private manifestOf(flow: FlowKey, revision?: string): KubernetesObject & ObjectMetadata {
    const ref = refOf(flow);
    const finalizers = this.options.guardsData ? { finalizers: [dataFinalizer] } : {};
    const data = { ...flow, ...(revision === undefined ? {} : { revision }) };
    return { ...ref, metadata: { ...ref.metadata, labels: labelsOf(flow), ...finalizers }, data };
  }
}

function refOf(flow: FlowKey): ObjectRef {
  const { namespace } = flow;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: flowObjectName(flow), namespace } };
}

function labelsOf(flow: FlowKey): { readonly [name: string]: string } {
  return { 'app.kubernetes.io/part-of': flow.jobId, ...flowLabels(flow), ...ownerLabels };
}
