import { StoreError } from '../../../lib/errors';
import { flowObjectName } from '../../../lib/plan/names';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { assertOwned, flowLabels, ownerLabels } from './flow-labels';
import type { KubernetesObjects, ObjectMetadata, OwnerReference } from './kubernetes-objects';

/** Keeps the owner object of a deleted flow until the flow's data is removed. */
const dataFinalizer = 'kflow.io/data';

export interface FlowOwnerOptions {
  /** An owner object that somebody deletes, for example with kubectl, stays until `release`, so that the data can be removed first. */
  readonly guardsData?: boolean;
}

/** The ConfigMap that owns all other objects of a flow: deleting it deletes them. */
export class FlowOwner {
  constructor(
    private readonly objects: KubernetesObjects,
    private readonly options: FlowOwnerOptions = {},
  ) {}

  /** Creates the ConfigMap if it does not exist. Throws StoreError `store-failed` while it is being deleted. */
  async ensure(flow: FlowKey, revision?: string): Promise<OwnerReference> {
    const ref = refOf(flow);
    const live = await this.objects.readMetadata(ref);
    if (live !== undefined) assertOwned(flow, live);
    // an object that is being deleted cannot be kept by an update
    if (live?.metadata.deletionTimestamp === undefined) {
      const { object } = await this.objects.apply(this.manifestOf(flow, revision), { force: true });
      const { name, uid = '', deletionTimestamp } = (object as ObjectMetadata).metadata;
      if (deletionTimestamp === undefined) return { apiVersion: ref.apiVersion, kind: ref.kind, name, uid };
    }
    const what = `flow ${flowName(flow)}: its ConfigMap ${ref.metadata.name} is being deleted`;
    throw new StoreError('store-failed', `${what} with its objects and data; try again when they are gone`);
  }

  /** Deletes the ConfigMap, even if somebody else has deleted it already and its finalizer remains. */
  async release(flow: FlowKey): Promise<void> {
    const ref = refOf(flow);
    const live = await this.objects.readMetadata(ref);
    const { uid, finalizers = [] } = live?.metadata ?? {};
    if (uid === undefined) return;
    // applying it without the finalizer removes the finalizer; the uid prevents the creation of a new object
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
