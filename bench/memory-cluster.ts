import { type FlowKey, flowName, parseFlowName } from '../runtime/api-contract/flow-key';
import type { Cluster, ClusterWatch, ReplicaState, WorkloadState } from '../runtime/controller/ports/cluster';
import type { KubernetesObject, ObjectRef } from '../runtime/controller/ports/kubernetes-object';

interface StoredWorkload {
  readonly object: KubernetesObject;
  readonly since: string;
  outcome?: 'succeeded' | 'failed';
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly parallelism?: number;
  readonly suspend?: boolean;
  readonly template: { readonly metadata: { readonly annotations: { readonly [name: string]: string } } };
}

const kinds: { readonly [kind: string]: WorkloadState['kind'] } = {
  Deployment: 'deployment',
  StatefulSet: 'statefulset',
  Job: 'job',
};

/** A cluster in memory: applied workloads are ready at once unless they are broken; `end` ends a Job. */
export class MemoryCluster implements Cluster {
  private readonly flows = new Map<string, Map<string, StoredWorkload>>();
  private readonly listeners = new Set<(flow: FlowKey) => void>();
  private readonly broken = new Set<string>();

  async apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void> {
    const kept = this.flows.get(flowName(flow)) ?? new Map<string, StoredWorkload>();
    this.flows.set(flowName(flow), kept);
    for (const object of objects) {
      const key = `${object.kind}/${object.metadata.name}`;
      const before = kept.get(key);
      const isSame = before !== undefined && templateOf(before.object) === templateOf(object);
      const since = isSame ? before.since : new Date().toISOString();
      const outcome = isSame ? before.outcome : undefined;
      kept.set(key, { object, since, ...(outcome === undefined ? {} : { outcome }) });
    }
    this.notify(flow);
  }

  async prune(flow: FlowKey, keep: readonly ObjectRef[]): Promise<void> {
    const kept = this.flows.get(flowName(flow));
    if (kept === undefined) return;
    const names = new Set(keep.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    for (const key of kept.keys()) if (!names.has(key)) kept.delete(key);
    if (kept.size === 0) this.flows.delete(flowName(flow));
    this.notify(flow);
  }

  async workloads(flow: FlowKey): Promise<readonly WorkloadState[]> {
    const kept = [...(this.flows.get(flowName(flow))?.values() ?? [])];
    return kept.filter(({ object }) => object.kind in kinds).map((workload) => this.stateOf(flow, workload));
  }

  async watch(onChange: (flow: FlowKey) => void): Promise<ClusterWatch> {
    this.listeners.add(onChange);
    for (const name of this.flows.keys()) {
      const flow = parseFlowName(name);
      if (flow !== undefined) onChange(flow);
    }
    return {
      close: async () => {
        this.listeners.delete(onChange);
      },
    };
  }

  async *logs(): AsyncIterable<string> {}

  async close(): Promise<void> {}

  /** Ends a Job of the flow. */
  end(flow: FlowKey, functionId: string, outcome: 'succeeded' | 'failed'): void {
    for (const workload of this.flows.get(flowName(flow))?.values() ?? []) {
      if (workload.object.kind === 'Job' && functionOf(workload.object) === functionId) workload.outcome = outcome;
    }
    this.notify(flow);
  }

  /** Workloads whose ConfigMap contains this text do not become ready. */
  breakWith(text: string): void {
    this.broken.add(text);
  }

  /** Reverts `breakWith`. */
  repair(text: string): void {
    this.broken.delete(text);
  }

  private stateOf(flow: FlowKey, { object, since, outcome }: StoredWorkload): WorkloadState {
    const spec = object.spec as WorkloadSpec;
    const id = functionOf(object);
    const isPaused = spec.suspend === true || outcome !== undefined;
    const desired = isPaused ? 0 : (spec.replicas ?? spec.parallelism ?? 1);
    const specHash = spec.template.metadata.annotations['kflow.io/spec-hash'] ?? '';
    const config = this.flows.get(flowName(flow))?.get(`ConfigMap/${object.metadata.name}`);
    const isBroken = [...this.broken].some((text) => JSON.stringify(config?.object ?? null).includes(text));
    const ready: Pick<ReplicaState, 'phase'> = { phase: 'ready' };
    const waiting = { phase: 'waiting' as const, reason: 'CrashLoopBackOff', message: 'broken by the test' };
    return {
      function: id,
      name: object.metadata.name,
      kind: kinds[object.kind] ?? 'deployment',
      desired,
      specHash,
      ...(outcome === undefined ? {} : { outcome }),
      replicas: Array.from({ length: desired }, (_, number) => ({
        name: `${id}-${number}`,
        restarts: 0,
        since,
        specHash,
        ...(isBroken ? waiting : ready),
      })),
    };
  }

  private notify(flow: FlowKey): void {
    for (const listener of this.listeners) listener(flow);
  }
}

function templateOf({ spec }: KubernetesObject): string {
  return JSON.stringify((spec as WorkloadSpec | undefined)?.template ?? null);
}

function functionOf({ metadata }: KubernetesObject): string {
  return metadata.labels?.['kflow.io/function'] ?? '';
}
