/** Something that keeps a flow from being healthy. */
export interface Finding {
  readonly function: string;
  readonly replica?: string;
  /** One word, as in HealthProblem. */
  readonly reason: string;
  /** On one line. */
  readonly message: string;
  /** ISO time, if the cluster reports one; default: when the finding was first seen. */
  readonly since?: string;
  readonly weight: 'degraded' | 'unhealthy';
  /** For this long the finding counts as part of a start rather than as a problem. */
  readonly graceMs?: number;
  /** Distinguishes findings with the same reason, for example by stream. */
  readonly about?: string;
}

const startReasons: readonly string[] = ['ContainerCreating', 'PodInitializing', 'NotReady'];

/** Whether a replica's reason only says that the replica is starting; every other reason is a fault. */
export function isStartReason(reason: string): boolean {
  return startReasons.includes(reason);
}
