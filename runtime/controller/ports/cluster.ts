import type { FlowKey } from '../../api-contract/flow-key';
import type { KubernetesObject, ObjectRef } from './kubernetes-object';

/**
 * Where workloads run: Kubernetes, or this machine. One contract suite holds for both.
 *
 * I1. `apply` and `remove` may be repeated without harm, and end in the same state wherever an earlier call was cut off.
 * I2. Objects of one flow are those with the labels `app.kubernetes.io/managed-by: kflow` and `kflow.io/job` in its
 *     namespace; nothing else is ever removed.
 *
 * Every call may throw ConfigError, which lasts until somebody changes something, and StoreError or ConfigError
 * `server-failed`, which may pass.
 */
export interface Cluster {
  /**
   * Makes the objects of a flow what the manifests say. A workload that cannot be changed, as a Job's template, is
   * removed with its pods and made anew. Resolves when the cluster has taken all of them; what they ask for may not have
   * happened yet.
   */
  apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void>;
  /** Removes every object of the flow but those named. Its replicas finish what they hold unless `now`. */
  prune(flow: FlowKey, keep: readonly ObjectRef[], options?: { readonly now?: boolean }): Promise<void>;
  /** What runs of a flow, one for each workload there is; replicas that are still ending are among them. */
  workloads(flow: FlowKey): Promise<readonly WorkloadState[]>;
  /**
   * Tells, soon after any workload of a flow has changed, which flow it was; and once for every flow there is at the
   * start and after whatever may have been missed. Goes on until it is closed. `onRemovalAsked` is told of a flow, again
   * and again, that somebody has asked the cluster itself to remove, as with kubectl, where the cluster waits for its data
   * to be removed first: `prune` with nothing to keep ends it.
   */
  watch(onChange: (flow: FlowKey) => void, onRemovalAsked?: (flow: FlowKey) => void): Promise<ClusterWatch>;
  /** Lines that a replica has written, the oldest first. With `follow` it ends when the replica is gone, or on the signal. */
  logs(replica: ReplicaRef, options?: LogOptions): AsyncIterable<string>;
  close(): Promise<void>;
}

export interface ClusterWatch {
  close(): Promise<void>;
}

export interface WorkloadState {
  readonly function: string;
  readonly name: string;
  readonly kind: 'deployment' | 'statefulset' | 'job';
  /** Replicas that are asked for: 0 of what is paused. */
  readonly desired: number;
  /** Of a Job that has ended. */
  readonly outcome?: 'succeeded' | 'failed';
  /** Why a Job failed, or why no replica can be made: `QuotaExceeded`, …; in one line. */
  readonly message?: string;
  /** The `kflow.io/spec-hash` of the template: what a replica that is started now would read. */
  readonly specHash?: string;
  /** The cluster has not acted on what was asked for last: there may be replicas that are not told here. */
  readonly isSettling?: true;
  readonly replicas: readonly ReplicaState[];
}

/** One pod, or one process. */
export interface ReplicaState {
  /** Name of the pod; `<function>-<number>` of a process. */
  readonly name: string;
  readonly phase: ReplicaPhase;
  /** One word, as Kubernetes has it, when it does not run as it should: `CrashLoopBackOff`, `ImagePullBackOff`, `Unschedulable`, `NotReady`, `Error`. */
  readonly reason?: string;
  /** More about the reason, in one line: the last error of a crash, the scheduler's words. */
  readonly message?: string;
  readonly restarts: number;
  /** ISO time since when it has been in this phase and for this reason. */
  readonly since: string;
  /** The `kflow.io/spec-hash` that it was started with. */
  readonly specHash?: string;
}

/** `ready` alone takes records; `ending` was told to stop and is not gone; `waiting` cannot start, or waits to be started again. */
export type ReplicaPhase = 'starting' | 'ready' | 'not-ready' | 'waiting' | 'ending' | 'succeeded' | 'failed';

export interface ReplicaRef extends FlowKey {
  readonly function: string;
  /** Name of a replica; left out, all there are, one after the other. */
  readonly replica?: string;
}

export interface LogOptions {
  readonly follow?: boolean;
  /** The last lines of each replica; left out, all that are kept. */
  readonly tailLines?: number;
  readonly signal?: AbortSignal;
}
