interface PhaseTraits {
  /** The execution has ended; only a resume starts it again. */
  readonly isClosed: boolean;
  /** A resume continues it. */
  readonly isResumable: boolean;
}

/**
 * The phases of an execution. `Pending`: accepted, and not begun. `Stopping`: canceled, while running steps and then the
 * finally step end. `Stopped`: canceled or terminated.
 */
export const executionPhases = {
  Pending: { isClosed: false, isResumable: false },
  Running: { isClosed: false, isResumable: false },
  Stopping: { isClosed: false, isResumable: false },
  Stopped: { isClosed: true, isResumable: true },
  Failed: { isClosed: true, isResumable: true },
  Completed: { isClosed: true, isResumable: false },
} as const satisfies { readonly [phase: string]: PhaseTraits };

export type ExecutionPhase = keyof typeof executionPhases;
