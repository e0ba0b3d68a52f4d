import { ConfigError, StoreError } from '../../../lib/errors';
import { workloadKinds } from '../../../lib/plan/controller-requirements';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { Limit } from '../../async/limit';
import { waitUntil } from '../../async/poll';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import { assertOwned, flowLabels } from './flow-labels';
import { FlowOwner, type FlowOwnerOptions } from './flow-owner';
import type { KubernetesObjects, ObjectMetadata, OwnerReference } from './kubernetes-objects';

/** Time for a deletion in addition to the grace period of the pods. */
const REMOVAL_MARGIN_MS = 60_000;
const DEFAULT_GRACE_SECONDS = 30;
const POLL_MS = 200;
const MAX_REQUESTS = 8;

/**
 * Applies the manifests of a flow.
 *
 * I1. Objects without the labels of the flow are not changed.
 * I2. Workloads are applied last, after everything that their pods mount or are restricted by.
 * I3. An object that is being deleted is recreated when it is gone, because an update would be lost with it.
 */
export class FlowApply {
  private readonly owner: FlowOwner;

  constructor(
    private readonly objects: KubernetesObjects,
    options: FlowOwnerOptions,
  ) {
    this.owner = new FlowOwner(objects, options);
  }

  /** Returns the objects as the server has stored them. */
  async run(flow: FlowKey, manifests: readonly KubernetesObject[]): Promise<readonly KubernetesObject[]> {
    const misplaced = manifests.find(({ metadata }) => (metadata.namespace ?? flow.namespace) !== flow.namespace);
    if (misplaced !== undefined) throw wrongNamespace(flow, misplaced);
    const revision = manifests.flatMap(({ metadata }) => metadata.annotations?.['kflow.io/revision'] ?? [])[0];
    const owner = await this.owner.ensure(flow, revision);
    const desired = manifests.map((manifest) => owned(flow, manifest, owner));
    const first = desired.filter((manifest) => !isWorkload(manifest));
    const then = desired.filter(isWorkload);
    const apply = (manifest: KubernetesObject) => this.applyOne(flow, manifest);
    const requests = new Limit(MAX_REQUESTS);
    return [...(await requests.map(first, apply)), ...(await requests.map(then, apply))];
  }

  private async applyOne(flow: FlowKey, manifest: KubernetesObject): Promise<KubernetesObject> {
    for (;;) {
      const live = await this.objects.readMetadata(manifest);
      if (live !== undefined) assertOwned(flow, live);
      if (live?.metadata.deletionTimestamp === undefined) {
        const applied = (await this.objects.applyInPlace(manifest))?.object;
        if (applied !== undefined && !isBeingRemoved(applied)) return applied;
        // delete the pods first, so that no record is processed twice
        if (applied === undefined && live !== undefined) {
          await this.objects.remove(live, { propagation: 'Foreground', uid: live.metadata.uid });
        }
      }
      await this.waitUntilGone(manifest, live?.metadata.uid);
    }
  }

  /** Waits until the object with this uid is gone, with everything that it owns. */
  private async waitUntilGone(manifest: KubernetesObject, uid: string | undefined): Promise<void> {
    const timeoutMs = graceSeconds(manifest) * 1_000 + REMOVAL_MARGIN_MS;
    const isGone = async () => {
      const live = await this.objects.readMetadata(manifest);
      return live === undefined || (live.metadata.uid !== uid && live.metadata.deletionTimestamp === undefined);
    };
    if (await waitUntil(isGone, { intervalMs: POLL_MS, timeoutMs })) return;
    const name = `${manifest.kind} ${manifest.metadata.namespace}/${manifest.metadata.name}`;
    const what = `${name} must be recreated, but the old one still exists after ${timeoutMs / 1_000} s`;
    throw new StoreError('store-failed', `${what}; check its pods and their nodes`, { where: name });
  }
}

export function isWorkload({ apiVersion, kind }: KindRef): boolean {
  return workloadKinds.some((each) => each.kind === kind && each.apiVersion === apiVersion);
}

function isBeingRemoved(object: ObjectMetadata): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** The manifest with the namespace, labels and owner of the flow. */
function owned(flow: FlowKey, manifest: KubernetesObject, owner: OwnerReference): KubernetesObject {
  const { metadata } = manifest;
  const labels = { ...metadata.labels, ...flowLabels(flow) };
  const own = { ...metadata, namespace: flow.namespace, labels, ownerReferences: [owner] };
  return { ...manifest, metadata: own };
}

function graceSeconds({ spec }: KubernetesObject): number {
  const { template } = (spec ?? {}) as { template?: { spec?: { terminationGracePeriodSeconds?: number } } };
  return template?.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}

function wrongNamespace(flow: FlowKey, { kind, metadata }: KubernetesObject): ConfigError {
  const name = `${kind} ${metadata.namespace}/${metadata.name}`;
  const message = `flow ${flowName(flow)}: ${name} is in another namespace; all objects of a flow must be in the namespace of the flow`;
  return new ConfigError('config-invalid', message, { where: name });
}
