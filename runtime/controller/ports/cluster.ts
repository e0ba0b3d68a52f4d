import type { FlowKey } from '../../api-contract/flow-key';
import type { KubernetesObject, ObjectRef } from './kubernetes-object';

/**
 * Where workloads run: Kubernetes, or this machine. Both pass one contract suite.
 *
 * I1. `apply` and `prune` are idempotent: a repeated call ends in the same state, wherever an earlier one was interrupted.
 * I2. The objects of a flow are those in its namespace with the labels `app.kubernetes.io/managed-by: kflow` and
 *     `kflow.io/job`. No other object is ever removed.
 *
 * Every method may throw ConfigError for a problem that lasts until somebody fixes it, and StoreError or ConfigError
 * `server-failed` for one that may be transient.
 */
export interface Cluster {
  /**
   * Creates or updates the objects of a flow. A workload that cannot be updated, such as the template of a Job, is deleted
   * with its pods and created again. Resolves when the cluster has stored all objects; replicas may not have started yet.
   */
  apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void>;
  /** Deletes every object of the flow except `keep`. With `now`, replicas do not finish their records in progress. */
  prune(flow: FlowKey, keep: readonly ObjectRef[], options?: { readonly now?: boolean }): Promise<void>;
  /** The flow's workloads, including those whose replicas are still terminating. */
  workloads(flow: FlowKey): Promise<readonly WorkloadState[]>;
  /**
   * Calls `onChange` soon after a workload of a flow has changed, and once for every flow at the start and whenever changes
   * may have been missed, until the watch is closed. Calls `onRemovalRequested` repeatedly for a flow whose owner object
   * somebody has deleted in the cluster, for example with kubectl: the cluster keeps the object until the flow's data is
   * removed and `prune` is called without objects to keep.
   */
  watch(onChange: (flow: FlowKey) => void, onRemovalRequested?: (flow: FlowKey) => void): Promise<ClusterWatch>;
  /** The log lines of a replica, oldest first. With `follow`, ends when the replica is gone or the signal is aborted. */
  logs(replica: ReplicaRef, options?: LogOptions): AsyncIterable<string>;
  /** The metrics of all replicas in Prometheus' text format, of a cluster whose replicas only this machine can reach. */
  metrics?(): Promise<string>;
  close(): Promise<void>;
}

export interface ClusterWatch {
  close(): Promise<void>;
}

export interface WorkloadState {
  readonly function: string;
  readonly name: string;
  readonly kind: 'deployment' | 'statefulset' | 'job';
  /** Number of desired replicas; 0 when paused. */
  readonly desired: number;
  /** Result of a finished Job. */
  readonly outcome?: 'succeeded' | 'failed';
  /** Why a Job failed, or why replicas cannot be created (`QuotaExceeded`), on one line. */
  readonly message?: string;
  /** `kflow.io/spec-hash` of the template that new replicas are started from. */
  readonly specHash?: string;
  /** Counts the changes of the workload's specification, whoever makes them. */
  readonly generation?: number;
  /** Who changed the workload last, if not KFlow, such as `kubectl-edit`. */
  readonly changedBy?: string;
  /** The cluster has not processed the latest change, so `replicas` may be incomplete. */
  readonly isSettling?: true;
  readonly replicas: readonly ReplicaState[];
}

/** One pod, or one process. */
export interface ReplicaState {
  /** Name of the pod; `<function>-<number>` of a process. */
  readonly name: string;
  readonly phase: ReplicaPhase;
  /** One word, as in Kubernetes, when something is wrong: `CrashLoopBackOff`, `Unschedulable`, `NodeNotReady`, `Error`. */
  readonly reason?: string;
  /** Details of the reason on one line: the last error of a crash, or the scheduler's message. */
  readonly message?: string;
  readonly restarts: number;
  /** ISO time of the last change of phase or reason. */
  readonly since: string;
  /** ISO time when a replica that is ending must have ended; one that is still there later hangs, or its node is lost. */
  readonly deadline?: string;
  /** `kflow.io/spec-hash` of the template that the replica was started from. */
  readonly specHash?: string;
}

/**
 * Only `ready` replicas process records. `waiting`: the replica cannot start, or waits for its restart. `ending`: the
 * replica is terminating.
 */
export type ReplicaPhase = 'starting' | 'ready' | 'not-ready' | 'waiting' | 'ending' | 'succeeded' | 'failed';

export interface ReplicaRef extends FlowKey {
  readonly function: string;
  /** Name of a replica; default: all replicas, one after the other. */
  readonly replica?: string;
}

export interface LogOptions {
  readonly follow?: boolean;
  /** Only the last lines of each replica; default: all available lines. */
  readonly tailLines?: number;
  readonly signal?: AbortSignal;
}
