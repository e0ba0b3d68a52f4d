import { type FlowKey, flowName, parseFlowName } from '../runtime/api-contract/flow-key';
import type {
  Cluster,
  ClusterWatch,
  LogOptions,
  ReplicaRef,
  ReplicaState,
  WorkloadState,
} from '../runtime/controller/ports/cluster';
import type { KubernetesObject, ObjectRef } from '../runtime/controller/ports/kubernetes-object';

/** How the replicas of a function behave: become ready, exit 1 with `crashLine`, exit 0, or exit 78 (misconfigured). */
export type ReplicaBehavior = 'serve' | 'crash' | 'end' | 'refuse';

/** The last line that a crashing replica prints. */
export const crashLine = 'Error: the replica was made to crash';

interface StoredWorkload {
  readonly object: KubernetesObject;
  phase: ReplicaState['phase'];
  /** When the phase of the replicas last changed. */
  since: string;
  restarts: number;
  /** Of a finished Job, until its template changes. */
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

/**
 * A cluster that runs nothing. The replicas of applied workloads are ready at once, until `behave` or `breakWith` says
 * otherwise; Jobs finish by `behave` or `end`. Passes the contract suite of `Cluster`.
 */
export class MemoryCluster implements Cluster {
  private readonly flows = new Map<string, Map<string, StoredWorkload>>();
  private readonly listeners = new Set<(flow: FlowKey) => void>();
  private readonly behaviors = new Map<string, ReplicaBehavior>();
  private readonly broken = new Set<string>();

  async apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void> {
    const kept = this.flows.get(flowName(flow)) ?? new Map<string, StoredWorkload>();
    this.flows.set(flowName(flow), kept);
    for (const object of objects) {
      const key = `${object.kind}/${object.metadata.name}`;
      const before = kept.get(key);
      const isSame = before !== undefined && templateOf(before.object) === templateOf(object);
      kept.set(key, isSame ? { ...before, object } : { object, phase: 'ready', since: now(), restarts: 0 });
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

  /** An object of a flow as it was applied last. */
  object(flow: FlowKey, kind: string, name: string): KubernetesObject | undefined {
    return this.flows.get(flowName(flow))?.get(`${kind}/${name}`)?.object;
  }

  async workloads(flow: FlowKey): Promise<readonly WorkloadState[]> {
    return this.workloadsOf(flow).map((workload) => this.stateOf(flow, workload));
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

  /** One line of each replica. */
  async *logs({ replica, ...of }: ReplicaRef, { follow = false, signal }: LogOptions = {}): AsyncIterable<string> {
    const running = () =>
      this.workloadsOf(of)
        .filter(({ object }) => functionOf(object) === of.function)
        .flatMap((workload) => this.stateOf(of, workload).replicas.map(({ name }) => name));
    const names = running().filter((name) => replica === undefined || name === replica);
    for (const name of names) yield `${name} has started`;
    while (follow && signal?.aborted !== true && running().some((name) => names.includes(name))) {
      await this.nextChange(signal);
    }
  }

  async close(): Promise<void> {}

  /** Applies to current and future replicas of a function. */
  behave(flow: FlowKey, functionId: string, how: ReplicaBehavior): void {
    this.behaviors.set(`${flowName(flow)}/${functionId}`, how);
    // a Job keeps its outcome, whatever comes next
    for (const workload of this.workloadsOf(flow)) this.stateOf(flow, workload);
    this.notify(flow);
  }

  /** Finishes a Job of the flow. */
  end(flow: FlowKey, functionId: string, outcome: 'succeeded' | 'failed'): void {
    for (const workload of this.workloadsOf(flow)) {
      if (workload.object.kind === 'Job' && functionOf(workload.object) === functionId) workload.outcome = outcome;
    }
    this.notify(flow);
  }

  /** Workloads whose ConfigMap contains this text crash. */
  breakWith(text: string): void {
    this.broken.add(text);
  }

  /** Reverts `breakWith`. */
  repair(text: string): void {
    this.broken.delete(text);
  }

  private workloadsOf(flow: FlowKey): readonly StoredWorkload[] {
    return [...(this.flows.get(flowName(flow))?.values() ?? [])].filter(({ object }) => object.kind in kinds);
  }

  private stateOf(flow: FlowKey, workload: StoredWorkload): WorkloadState {
    const { object } = workload;
    const spec = object.spec as WorkloadSpec;
    const id = functionOf(object);
    const desired = spec.suspend === true ? 0 : (spec.replicas ?? spec.parallelism ?? 1);
    const specHash = spec.template.metadata.annotations['kflow.io/spec-hash'] ?? '';
    const behavior = this.behaviorOf(flow, object);
    if (object.kind === 'Job' && desired > 0 && workload.outcome === undefined) {
      if (behavior === 'end') workload.outcome = 'succeeded';
      if (behavior === 'refuse') workload.outcome = 'failed';
    }
    const { outcome } = workload;
    const phase = outcome ?? (behavior === 'serve' ? 'ready' : 'waiting');
    if (phase !== workload.phase) Object.assign(workload, { phase, since: now() });
    if (phase === 'waiting') workload.restarts = Math.max(1, workload.restarts);
    const { since, restarts } = workload;
    const trouble = phase === 'waiting' ? { reason: 'CrashLoopBackOff', message: messages[behavior] } : {};
    return {
      function: id,
      name: object.metadata.name,
      kind: kinds[object.kind] ?? 'deployment',
      desired,
      specHash,
      ...(outcome === undefined ? {} : { outcome }),
      ...(outcome === 'failed' && behavior === 'refuse' ? { message: messages.refuse } : {}),
      replicas: Array.from({ length: desired }, (_, number) => ({
        name: `${id}-${number}`,
        phase,
        ...trouble,
        restarts,
        since,
        specHash,
      })),
    };
  }

  private behaviorOf(flow: FlowKey, object: KubernetesObject): ReplicaBehavior {
    const config = this.flows.get(flowName(flow))?.get(`ConfigMap/${object.metadata.name}`);
    const text = JSON.stringify(config?.object ?? null);
    if ([...this.broken].some((part) => text.includes(part))) return 'crash';
    return this.behaviors.get(`${flowName(flow)}/${functionOf(object)}`) ?? 'serve';
  }

  private notify(flow: FlowKey): void {
    for (const listener of this.listeners) listener(flow);
  }

  /** Resolves after the next change of any flow, or when the signal is aborted. */
  private nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.listeners.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.listeners.add(done);
      signal?.addEventListener('abort', done);
    });
  }
}

/** What Kubernetes reports about replicas that do not serve. */
const messages: { readonly [B in ReplicaBehavior]: string } = {
  serve: 'exit code 1',
  crash: `${crashLine} (exit code 1)`,
  end: 'exit code 0',
  refuse: 'exit code 78',
};

function now(): string {
  return new Date().toISOString();
}

function templateOf({ spec }: KubernetesObject): string {
  return JSON.stringify((spec as WorkloadSpec | undefined)?.template ?? null);
}

function functionOf({ metadata }: KubernetesObject): string {
  return metadata.labels?.['kflow.io/function'] ?? '';
}
