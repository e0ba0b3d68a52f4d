/** How a replica ends: what keeps its workload running reads it. */
export const ExitCode = {
  /** All input processed; in a stream, told to stop. */
  Done: 0,
  /** Failed in a way that another start may mend. */
  Failed: 1,
  /** Set up wrongly: another start ends the same way. (EX_CONFIG of sysexits.h) */
  Misconfigured: 78,
  /** Of a batch flow: told to stop before all input was processed. A Job takes a 0 for the end of its work. (128 + SIGTERM) */
  Stopped: 143,
} as const;

/** How often a Job starts each of its replicas again before it has failed. */
export const retriesEach = 6;

/**
 * How long things are waited for, derived from one setting.
 *
 * `max.poll.interval.ms` says how long a record may take. The server's ackWait is shorter: it is how long the server
 * waits for a sign of life of the replica that holds a message, which the replica gives every ackWait/3 while the
 * record may still take its time. So a slow record has its two minutes, and what a killed replica held is delivered
 * again within seconds.
 */
const maxAckWaitMs = 15_000;

export const timing = {
  defaultAckWaitMs: maxAckWaitMs,

  /** How long a replica may finish what it holds when it is told to stop, unless KFLOW_SHUTDOWN_TIMEOUT says another. */
  shutdownSeconds: 25,

  ackWaitMs(maxPollIntervalMs: number): number {
    return Math.min(maxPollIntervalMs, maxAckWaitMs);
  },

  /** Long enough for several redeliveries; what is redelivered later is looked up in the output stream itself. */
  dedupeWindowMs(ackWaitMs: number): number {
    return Math.max(8 * ackWaitMs, 60_000);
  },
} as const;
