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
