/** How a replica ends: what keeps its workload running reads it. */
export const ExitCode = {
  /** All input processed, or told to stop. */
  Done: 0,
  /** Failed in a way that another start may mend. */
  Failed: 1,
  /** Set up wrongly: another start ends the same way. (EX_CONFIG of sysexits.h) */
  Misconfigured: 78,
} as const;

/** How often a Job starts each of its replicas again before it has failed. */
export const retriesEach = 6;
