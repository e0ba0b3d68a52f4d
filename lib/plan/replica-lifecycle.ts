/** Exit codes of a replica. Kubernetes and `kflow run` decide by them whether to restart it. */
export const ExitCode = {
  /** All input is processed. In stream mode: the replica was stopped. */
  Done: 0,
  /** The replica failed; a restart may succeed. */
  Failed: 1,
  /**
   * Batch mode without a controller: all input is processed, but records were given up on or lost. A 0 would complete the
   * Job as if nothing had happened; a restart changes nothing. (EX_DATAERR of sysexits.h)
   */
  Incomplete: 65,
  /** The configuration is wrong; a restart fails again. (EX_CONFIG of sysexits.h) */
  Misconfigured: 78,
  /** Batch mode: the replica was stopped before all input was processed. A 0 would complete the Job. (128 + SIGTERM) */
  Stopped: 143,
} as const;

/** How often a Job restarts each of its replicas before it fails. */
export const retriesEach = 6;

/** Unacked messages of a consumer, over all replicas: enough for 50 replicas with 500 each. */
export const maxAckPending = 25_000;

const maxAckWaitMs = 15_000;

/**
 * Timeouts, derived from `max.poll.interval.ms`: the time a record may take without a heartbeat. The consumer's ackWait is
 * shorter. While a record is within its time, the replica renews the lease of the message every ackWait/3. So a slow
 * record has its two minutes, and the messages of a killed replica are redelivered within seconds.
 */
export const timing = {
  defaultAckWaitMs: maxAckWaitMs,

  /** How long a stopped replica may take to finish its records. KFLOW_SHUTDOWN_TIMEOUT overrides it. */
  shutdownSeconds: 25,

  /** Then, how long the process of user code may take to exit before it is killed. */
  hostExitSeconds: 5,

  /** Then, how long the replica waits for the last answers of the server before it exits. */
  closeSeconds: 2,

  /** The time after which a stopped replica exits, whatever it still waits for. */
  exitSeconds(shutdownSeconds: number): number {
    return shutdownSeconds + this.hostExitSeconds + this.closeSeconds + 1;
  },

  /** The time between SIGTERM and SIGKILL: a replica has exited before. */
  graceSeconds(shutdownSeconds: number): number {
    return this.exitSeconds(shutdownSeconds) + 2;
  },

  ackWaitMs(maxPollIntervalMs: number): number {
    return Math.min(maxPollIntervalMs, maxAckWaitMs);
  },

  /** Covers several redeliveries. For later ones, the writer searches the output stream for duplicates. */
  dedupeWindowMs(ackWaitMs: number): number {
    return Math.max(8 * ackWaitMs, 60_000);
  },
} as const;
