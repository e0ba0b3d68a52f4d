import type { KFlowError } from '../../../lib/errors';
import { workloadKinds } from '../../../lib/plan/controller-requirements';
import type { FlowKey } from '../../api-contract/flow-key';
import type { Cluster, ClusterWatch, LogOptions, ReplicaRef, WorkloadState } from '../../controller/ports/cluster';
import type { KindRef, KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { ApiConnection } from './api/api-connection';
import type { CredentialsListener } from './api/api-credentials';
import { type KubeConfigOptions, loadKubeConfig } from './api/load-kube-config';
import { EventReasons } from './event-reasons';
import { FlowApply, isWorkload } from './flow-apply';
import { FlowCache, type FlowListener } from './flow-cache';
import { flowSelector } from './flow-labels';
import { type FlowPart, type PodPart, partOfPod, partOfWorkload } from './flow-part';
import { FlowPrune } from './flow-prune';
import { KubernetesObjects } from './kubernetes-objects';
import { ReplicaLogs } from './replica-logs';
import { workloadStates } from './workload-states';

export interface KubernetesClusterOptions extends KubeConfigOptions {
  /** Namespaces of flows; default: all. Permissions are needed in these namespaces only. */
  readonly namespaces?: readonly string[];
  /**
   * When somebody deletes a flow in the cluster, by its ConfigMap `<jobId>----flow` or its namespace, the ConfigMap stays
   * until `prune` is called with nothing to keep, so that the listener of `onRemovalRequested` can remove the data first.
   * Default false: the flow is deleted at once, and its data remains.
   */
  readonly guardsData?: boolean;
  /** Called with the reason when a watch is interrupted; the watch starts again by itself. */
  readonly onTrouble?: (error: KFlowError) => void;
  /** Learns when the server refuses the credentials, although they were read anew, and when it accepts them again. */
  readonly credentials?: CredentialsListener;
}

/**
 * Runs flows on Kubernetes. The permissions in `kubernetesRules` suffice.
 *
 * I1. While a watch is open, workloads are read from its cache, unless the cache may be older than the writes of this process.
 */
export class KubernetesCluster implements Cluster {
  private readonly objects: KubernetesObjects;
  private readonly logsOf: ReplicaLogs;
  private readonly reasons: EventReasons;
  private cache: Promise<FlowCache> | undefined;
  /** The cache, once it is filled. */
  private filled: FlowCache | undefined;

  private constructor(
    private readonly api: ApiConnection,
    private readonly options: KubernetesClusterOptions,
  ) {
    this.objects = new KubernetesObjects(api);
    this.logsOf = new ReplicaLogs(api, this.objects);
    this.reasons = new EventReasons(this.objects);
  }

  /** Reads the kubeconfig without connecting. Throws ConfigError `config-invalid`. */
  static async open(options: KubernetesClusterOptions = {}): Promise<KubernetesCluster> {
    return new KubernetesCluster(new ApiConnection(await loadKubeConfig(options), options.credentials), options);
  }

  async apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void> {
    const applied = await new FlowApply(this.objects, this.options).run(flow, objects);
    this.filled?.expectApplied(flow, applied.filter(isWorkload));
  }

  async prune(flow: FlowKey, keep: readonly ObjectRef[], options: { readonly now?: boolean } = {}): Promise<void> {
    const removed = await new FlowPrune(this.objects).run(flow, keep, options);
    this.filled?.expectRemoved(flow, removed);
  }

  async workloads(flow: FlowKey): Promise<readonly WorkloadState[]> {
    const parts = this.filled?.parts(flow) ?? (await this.readParts(flow));
    const workloads = parts.flatMap((part) => (part.type === 'workload' ? part.workload : []));
    const pods = parts.flatMap((part) => (part.type === 'pod' ? part.pod : []));
    const states = workloadStates(flow, workloads, pods);
    return Promise.all(
      states.map((state) => {
        const workload = workloads.find(({ name, kind }) => name === state.name && kind === state.kind);
        return this.reasons.explain(flow.namespace, state, { workload, pods: pods.filter(isOf(state)) });
      }),
    );
  }

  async watch(
    onChange: (flow: FlowKey) => void,
    onRemovalRequested: (flow: FlowKey) => void = () => {},
  ): Promise<ClusterWatch> {
    const listener: FlowListener = { onChange, onRemovalRequested };
    const cache = await this.openCache();
    cache.add(listener);
    const close = async () => {
      if (!cache.delete(listener)) this.closeCache(cache);
    };
    return { close };
  }

  logs(replica: ReplicaRef, options: LogOptions = {}): AsyncIterable<string> {
    return this.logsOf.lines(replica, options);
  }

  async close(): Promise<void> {
    if (this.filled !== undefined) this.closeCache(this.filled);
    this.api.close();
  }

  /** All watches share one cache. */
  private openCache(): Promise<FlowCache> {
    const start = async () => {
      const { namespaces, onTrouble = () => {} } = this.options;
      const cache = new FlowCache(this.objects, { namespaces, onTrouble });
      await cache.start();
      this.filled = cache;
      return cache;
    };
    this.cache ??= start().catch((error: unknown) => {
      this.cache = undefined;
      throw error;
    });
    return this.cache;
  }

  private closeCache(cache: FlowCache): void {
    cache.close();
    if (this.filled !== cache) return;
    this.filled = undefined;
    this.cache = undefined;
  }

  /** Lists the workloads before the pods, so that no pod of a listed workload is missed. */
  private async readParts(flow: FlowKey): Promise<readonly FlowPart[]> {
    const list = (kind: KindRef) => this.objects.list(kind, flow.namespace, flowSelector(flow));
    const workloads = (await Promise.all(workloadKinds.map(list))).flat();
    const pods = await list({ apiVersion: 'v1', kind: 'Pod' });
    return [...workloads.map(partOfWorkload), ...pods.map(partOfPod)].filter((part) => part !== undefined);
  }
}

function isOf({ function: id, kind }: WorkloadState): (pod: PodPart) => boolean {
  return (pod) => pod.function === id && pod.kind === kind;
}
