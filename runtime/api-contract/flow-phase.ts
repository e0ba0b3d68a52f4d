interface PhaseTraits {
  /** The flow's workflow has ended, or is about to end, and accepts no request. */
  readonly isClosed: boolean;
  /** `running`: replicas process records; `ending`: they finish the records they hold, and exit; `none`: no replica is left. */
  readonly replicas: 'running' | 'ending' | 'none';
}

/** The phases of a flow. */
export const flowPhases = {
  Running: { isClosed: false, replicas: 'running' },
  Pausing: { isClosed: false, replicas: 'ending' },
  Paused: { isClosed: false, replicas: 'none' },
  Stopping: { isClosed: false, replicas: 'ending' },
  Stopped: { isClosed: true, replicas: 'none' },
  Completed: { isClosed: true, replicas: 'none' },
  Failed: { isClosed: true, replicas: 'none' },
  Canceled: { isClosed: true, replicas: 'none' },
  Terminated: { isClosed: true, replicas: 'none' },
} as const satisfies { readonly [phase: string]: PhaseTraits };

export type FlowPhase = keyof typeof flowPhases;

/** How a flow's workflow ended. */
export type ClosedPhase = {
  [Phase in FlowPhase]: (typeof flowPhases)[Phase]['isClosed'] extends true ? Phase : never;
}[FlowPhase];

/** Whether a phase is final. */
export function isClosedPhase(phase: FlowPhase): phase is ClosedPhase {
  return flowPhases[phase].isClosed;
}
