import type { KFlowError } from '../../../lib/errors';
import { workloadKinds } from '../../../lib/plan/controller-requirements';
import type { FlowKey } from '../../api-contract/flow-key';
import type { Cluster, ClusterWatch, LogOptions, ReplicaRef, WorkloadState } from '../../controller/ports/cluster';
import type { KindRef, KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { ApiConnection } from './api-connection';
import { creationFailure, lacksReason } from './creation-failure';
import { FlowApply, isWorkload } from './flow-apply';
import { FlowCache, type FlowListener } from './flow-cache';
import { type FlowPart, partOfPod, partOfWorkload } from './flow-part';
import { FlowPrune } from './flow-prune';
import { flowSelector } from './flow-selector';
import { KubernetesObjects } from './kubernetes-objects';
import { type KubeConfigOptions, loadKubeConfig } from './load-kube-config';
import { ReplicaLogs } from './replica-logs';
import { workloadStates } from './workload-states';

export interface KubernetesClusterOptions extends KubeConfigOptions {
  /** Namespaces of flows; left out, all of them. Rights are needed in these only. */
  readonly namespaces?: readonly string[];
  /**
   * A flow that somebody removes without the controller, by its ConfigMap `<jobId>----flow` or its namespace, waits until
   * `prune` with nothing to keep: for one who listens to `onRemovalAsked` and removes the data first. Left out, it goes at
   * once, and its data stay.
   */
  readonly guardsData?: boolean;
  /** Told why a watch had to begin anew; it goes on by itself. */
  readonly onTrouble?: (error: KFlowError) => void;
}

/**
 * Flows on Kubernetes, with the rights of `kubernetesRules` and no others.
 *
 * I1. While a watch is open, workloads are read from what it keeps, unless that may be older than what was written here.
 */
export class KubernetesCluster implements Cluster {
  private readonly objects: KubernetesObjects;
  private readonly logsOf: ReplicaLogs;
  private cache: Promise<FlowCache> | undefined;
  /** The cache once it has begun. */
  private begun: FlowCache | undefined;

  private constructor(
    private readonly api: ApiConnection,
    private readonly options: KubernetesClusterOptions,
  ) {
    this.objects = new KubernetesObjects(api);
    this.logsOf = new ReplicaLogs(api, this.objects);
  }

  /** Reads the kubeconfig; the cluster is not asked yet. Throws ConfigError `config-invalid`. */
  static async open(options: KubernetesClusterOptions = {}): Promise<KubernetesCluster> {
    return new KubernetesCluster(new ApiConnection(await loadKubeConfig(options)), options);
  }

  async apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void> {
    const applied = await new FlowApply(this.objects, this.options).run(flow, objects);
    this.begun?.expectApplied(flow, applied.filter(isWorkload));
  }

  async prune(flow: FlowKey, keep: readonly ObjectRef[], options: { readonly now?: boolean } = {}): Promise<void> {
    const removed = await new FlowPrune(this.objects).run(flow, keep, options);
    this.begun?.expectRemoved(flow, removed);
  }

  async workloads(flow: FlowKey): Promise<readonly WorkloadState[]> {
    const parts = this.begun?.parts(flow) ?? (await this.readParts(flow));
    const workloads = parts.flatMap((part) => (part.type === 'workload' ? part.workload : []));
    const pods = parts.flatMap((part) => (part.type === 'pod' ? part.pod : []));
    const states = workloadStates(flow, workloads, pods);
    return Promise.all(
      states.map(async (state) => {
        const part = workloads.find(({ name, kind }) => name === state.name && kind === state.kind);
        if (part === undefined || !lacksReason(state, part)) return state;
        const message = await creationFailure(this.objects, flow, part);
        return message === undefined ? state : { ...state, message };
      }),
    );
  }

  async watch(
    onChange: (flow: FlowKey) => void,
    onRemovalAsked: (flow: FlowKey) => void = () => {},
  ): Promise<ClusterWatch> {
    const listener: FlowListener = { onChange, onRemovalAsked };
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
    if (this.begun !== undefined) this.closeCache(this.begun);
    this.api.close();
  }

  /** One for all who watch. */
  private openCache(): Promise<FlowCache> {
    const begin = async () => {
      const { namespaces, onTrouble = () => {} } = this.options;
      const cache = new FlowCache(this.objects, { namespaces, onTrouble });
      await cache.start();
      this.begun = cache;
      return cache;
    };
    this.cache ??= begin().catch((error: unknown) => {
      this.cache = undefined;
      throw error;
    });
    return this.cache;
  }

  private closeCache(cache: FlowCache): void {
    cache.close();
    if (this.begun !== cache) return;
    this.begun = undefined;
    this.cache = undefined;
  }

  /** The workloads before the pods: of those that are asked for, none is missed. */
  private async readParts(flow: FlowKey): Promise<readonly FlowPart[]> {
    const list = (kind: KindRef) => this.objects.list(kind, flow.namespace, flowSelector(flow));
    const workloads = (await Promise.all(workloadKinds.map(list))).flat();
    const pods = await list({ apiVersion: 'v1', kind: 'Pod' });
    return [...workloads.map(partOfWorkload), ...pods.map(partOfPod)].filter((part) => part !== undefined);
  }
}
