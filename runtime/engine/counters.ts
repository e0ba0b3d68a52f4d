/** What a replica has done since it started. */
export interface Counters {
  /** Records processed and acked. */
  in: number;
  /** Records emitted on the main output. */
  out: number;
  /** Tries that failed. */
  failed: number;
  /** Records given up on. */
  dead: number;
  /** Why the last failed try failed. */
  lastFailure?: string;
}

/** A replica's counters as it says them to whoever listens. */
export interface ReplicaReport extends Counters {
  readonly function: string;
  readonly replica: number;
  /** Of the pod, or of the machine. */
  readonly host: string;
  readonly pid: number;
}
