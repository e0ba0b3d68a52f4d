import { CoreV1Api } from '@kubernetes/client-node';
import { crashLine, type ReplicaBehavior } from '../../bench/memory-cluster';
import { ApiConnection } from '../../runtime/adapters/kubernetes/api/api-connection';
import { loadKubeConfig } from '../../runtime/adapters/kubernetes/api/load-kube-config';
import { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { Pod } from '../../runtime/adapters/kubernetes/pod';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { sharedKubeconfig } from './support';

const POLL_MS = 50;
/** A pod counts as lost a minute after the last lease renewal of its node. */
const LEASE_MS = 10_000;

/** What a pod's container does: a behavior, or any container status. */
type Conduct = ReplicaBehavior | { readonly status: object };

/** Exit of containers that do not serve. */
const ends = {
  crash: { exitCode: 1, message: `{"level":"INFO","msg":"hello"}\n{"level":"CRITICAL","msg":"${crashLine}"}\n` },
  end: { exitCode: 0, message: '' },
  refuse: { exitCode: 78, message: 'set up wrongly' },
} as const;

/** Last status reported for a pod. */
interface Told {
  readonly conduct: Conduct;
  readonly restarts: number;
}

/**
 * Acts as the node of a namespace: reports the status of its pods to the API server as if their containers ran, and removes
 * terminating pods.
 */
export class Kubelet {
  private readonly conducts = new Map<string, Conduct>();
  private readonly held = new Set<string>();
  /** Status of pods whose image does not exist. */
  private readonly pullFaults = new Map<string, Conduct>();
  private readonly told = new Map<string, Told>();
  private readonly objects: KubernetesObjects;
  private readonly node: string;
  private renewedAt = 0;
  private isOpen = true;
  private isSilent = false;
  private readonly work: Promise<void>;

  private constructor(
    private readonly api: ApiConnection,
    private readonly namespace: string,
  ) {
    this.objects = new KubernetesObjects(api);
    this.node = `node-of-${namespace}`;
    this.work = this.run();
  }

  static async open(namespace: string): Promise<Kubelet> {
    return new Kubelet(new ApiConnection(await loadKubeConfig({ file: sharedKubeconfig() })), namespace);
  }

  /** Sets what the containers of a function do from now on. The default is to serve. */
  conduct(jobId: string, functionId: string, conduct: Conduct): void {
    this.conducts.set(`${jobId} ${functionId}`, conduct);
  }

  /** Marks an image as missing in its registry. */
  misses(image: string): void {
    const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` };
    const status = running([{ ...container(0, false), image, imageID: '', state: { waiting } }], 'False');
    this.pullFaults.set(image, { status: { ...status, phase: 'Pending' } });
  }

  /** Terminating pods of a function stay until they are released, like pods that finish their records. */
  hold(jobId: string, functionId: string): { letGo(): void } {
    const key = `${jobId} ${functionId}`;
    this.held.add(key);
    return { letGo: () => void this.held.delete(key) };
  }

  /** Reports the node as ready, as every kubelet does; only then does its silence mean something. */
  async reportReady(): Promise<string> {
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now(), lastTransitionTime: now() },
    ];
    const body = { apiVersion: 'v1', kind: 'Node', metadata: { name: this.node }, status: { conditions } };
    const query = { fieldManager: 'kubelet', force: 'true' };
    await this.api.request({ method: 'PATCH', path: `/api/v1/nodes/${this.node}/status`, query, body });
    return this.node;
  }

  /** Stops reporting, as a node does that has lost its network: its pods may still run. */
  silence(): void {
    this.isSilent = true;
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await this.work;
    this.api.close();
  }

  private async run(): Promise<void> {
    while (this.isOpen) {
      if (this.isSilent) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        continue;
      }
      await this.renew();
      const pods = await this.objects.list({ apiVersion: 'v1', kind: 'Pod' }, this.namespace);
      await Promise.all(pods.map((pod) => this.look(pod as unknown as Pod)));
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private async renew(): Promise<void> {
    if (Date.now() - this.renewedAt < LEASE_MS) return;
    this.renewedAt = Date.now();
    const name = this.node;
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: `${now().slice(0, -1)}.000000Z` };
    await this.objects.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
    const metadata = { name, namespace: 'kube-node-lease' };
    await this.objects.apply({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
  }

  /** A terminating pod without a node is removed at once. */
  private async bind({ metadata: { name, namespace = '' } }: Pod): Promise<void> {
    const body = { metadata: { name }, target: { apiVersion: 'v1', kind: 'Node', name: this.node } };
    const pods = this.api.target.config.makeApiClient(CoreV1Api);
    await pods.createNamespacedPodBinding({ name, namespace, body }).catch((error: { readonly code?: number }) => {
      if (error.code !== 404 && error.code !== 409) throw error;
    });
  }

  private async look(pod: Pod): Promise<void> {
    const { labels = {}, uid = '', deletionTimestamp } = pod.metadata;
    const key = `${labels['kflow.io/job']} ${labels['kflow.io/function']}`;
    const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    const isJob = labels['job-name'] !== undefined;
    if (deletionTimestamp !== undefined) {
      if (this.held.has(key)) return;
      if (!hasEnded) await this.patch(pod, endedStatus(143, 'told to stop'));
      const { apiVersion, kind, metadata } = pod;
      await this.objects.remove({ apiVersion, kind, metadata }, { graceSeconds: 0, uid });
      return;
    }
    const conduct = this.pullFaults.get(imageOf(pod)) ?? this.conducts.get(key) ?? 'serve';
    const { conduct: before, restarts: count = 0 } = this.told.get(uid) ?? {};
    if (hasEnded || conduct === before) return;
    const restarts = conduct === 'serve' || typeof conduct === 'object' ? count : count + 1;
    if (before === undefined) await this.bind(pod);
    this.told.set(uid, { conduct, restarts });
    await this.patch(pod, statusOf({ conduct, restarts }, isJob));
  }

  /** Scales through the scale subresource, as another client would. */
  async scaleAs(
    fieldManager: string,
    { apiVersion, kind, metadata }: KubernetesObject,
    replicas: number,
  ): Promise<void> {
    const path = `/apis/apps/v1/namespaces/${metadata.namespace}/${kind.toLowerCase()}s/${metadata.name}`;
    const body = { apiVersion, kind, metadata, spec: { replicas } };
    await this.api.request({ method: 'PATCH', path, query: { fieldManager, force: 'true' }, body });
  }

  /** Changes fields of a workload as another client would. */
  async editAs(fieldManager: string, { apiVersion, kind, metadata }: KubernetesObject, spec: object): Promise<void> {
    const { name, namespace } = metadata;
    const path = `/apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
    const body = { apiVersion, kind, metadata: { name, namespace }, spec };
    const query = { fieldManager, force: 'true' };
    const answer = await this.api.request({ method: 'PATCH', path, query, body });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  }

  private async patch({ metadata }: Pod, status: object): Promise<void> {
    const { name, namespace } = metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    const query = { fieldManager: 'kubelet', force: 'true' };
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status };
    const answer = await this.api.request({ method: 'PATCH', path, query, body });
    // The pod may be gone already.
    if (answer.status !== 200 && answer.status !== 404) throw new Error(JSON.stringify(answer.body));
  }
}

function statusOf({ conduct, restarts }: Told, isJob: boolean): object {
  if (typeof conduct === 'object') return conduct.status;
  const startedAt = now();
  if (conduct === 'serve')
    return running([{ ...container(restarts, true), state: { running: { startedAt } } }], 'True');
  const { exitCode, message } = ends[conduct];
  if (isJob) return endedStatus(exitCode, message);
  const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' } };
  const lastState = { terminated: terminated(exitCode, message) };
  return running([{ ...container(restarts, false), state, lastState }], 'False');
}

function endedStatus(exitCode: number, message: string): object {
  const containerStatuses = [{ ...container(0, false), state: { terminated: terminated(exitCode, message) } }];
  return { ...running(containerStatuses, 'False'), phase: exitCode === 0 ? 'Succeeded' : 'Failed' };
}

/** Status of a pod that was scheduled and started. */
export function running(containerStatuses: readonly object[], ready: 'True' | 'False'): object {
  const conditions = [
    { type: 'PodScheduled', status: 'True', lastTransitionTime: now() },
    { type: 'ContainersReady', status: ready, lastTransitionTime: now() },
    { type: 'Ready', status: ready, lastTransitionTime: now() },
  ];
  return { phase: 'Running', conditions, containerStatuses };
}

/** Status of a container without its state. */
export function container(restartCount: number, ready: boolean): object {
  return { name: 'function', image: 'kflow:test', imageID: 'sha256:0', ready, started: ready, restartCount };
}

function imageOf(pod: Pod): string {
  const { spec } = pod as unknown as { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  return spec.containers[0]?.image ?? '';
}

function terminated(exitCode: number, message: string): object {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return { exitCode, message, reason, startedAt: now(), finishedAt: now() };
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
