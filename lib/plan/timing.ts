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
