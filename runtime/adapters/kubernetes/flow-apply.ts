import { ConfigError, StoreError } from '../../../lib/errors';
import { workloadKinds } from '../../../lib/plan/controller-requirements';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { Limit } from '../../async/limit';
import { waitUntil } from '../../async/poll';
import type { KindRef, KubernetesObject } from '../../controller/ports/kubernetes-object';
import { assertOurs } from './assert-ours';
import { FlowOwner, type FlowOwnerOptions } from './flow-owner';
import { flowLabels } from './flow-selector';
import type { KubernetesObjects, ObjectMetadata, OwnerReference } from './kubernetes-objects';

/** Beyond the time that a pod may take to end. */
const REMOVAL_MARGIN_MS = 60_000;
const DEFAULT_GRACE_SECONDS = 30;
const POLL_MS = 200;
const MAX_REQUESTS = 8;

/**
 * Makes the objects of a flow what manifests say.
 *
 * I1. Nothing is changed that is there without the flow's labels.
 * I2. Workloads come last: what their pods mount and are held to is there before them.
 * I3. What is being removed is waited for and made anew, whoever removes it: a change of it would go with it.
 */
export class FlowApply {
  private readonly owner: FlowOwner;

  constructor(
    private readonly objects: KubernetesObjects,
    options: FlowOwnerOptions,
  ) {
    this.owner = new FlowOwner(objects, options);
  }

  /** Gives the objects as the server has them now. */
  async run(flow: FlowKey, manifests: readonly KubernetesObject[]): Promise<readonly KubernetesObject[]> {
    const misplaced = manifests.find(({ metadata }) => (metadata.namespace ?? flow.namespace) !== flow.namespace);
    if (misplaced !== undefined) throw notOfNamespace(flow, misplaced);
    const revision = manifests.flatMap(({ metadata }) => metadata.annotations?.['kflow.io/revision'] ?? [])[0];
    const owner = await this.owner.ensure(flow, revision);
    const wanted = manifests.map((manifest) => owned(flow, manifest, owner));
    const first = wanted.filter((manifest) => !isWorkload(manifest));
    const then = wanted.filter(isWorkload);
    const apply = (manifest: KubernetesObject) => this.applyOne(flow, manifest);
    const requests = new Limit(MAX_REQUESTS);
    return [...(await requests.map(first, apply)), ...(await requests.map(then, apply))];
  }

  private async applyOne(flow: FlowKey, manifest: KubernetesObject): Promise<KubernetesObject> {
    for (;;) {
      const live = await this.objects.readMetadata(manifest);
      if (live !== undefined) assertOurs(flow, live);
      if (live?.metadata.deletionTimestamp === undefined) {
        const applied = (await this.objects.applyInPlace(manifest))?.object;
        if (applied !== undefined && !isBeingRemoved(applied)) return applied;
        // The pods first, so that no record is worked on twice.
        if (applied === undefined && live !== undefined) {
          await this.objects.remove(live, { propagation: 'Foreground', uid: live.metadata.uid });
        }
      }
      await this.untilGone(manifest, live?.metadata.uid);
    }
  }

  /** Until the object of this uid is not there, and with it what it owns. */
  private async untilGone(manifest: KubernetesObject, uid: string | undefined): Promise<void> {
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

/** With the namespace, labels and owner by which it is one of the flow. */
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

function notOfNamespace(flow: FlowKey, { kind, metadata }: KubernetesObject): ConfigError {
  const name = `${kind} ${metadata.namespace}/${metadata.name}`;
  const message = `flow ${flowName(flow)}: ${name} is of another namespace; a flow has all its objects in its own`;
  return new ConfigError('config-invalid', message, { where: name });
}
