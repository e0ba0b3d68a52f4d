import { StateError } from '../../../../lib/errors';

/** How a flow's workflow ended. */
export type ClosedPhase = 'Stopped' | 'Completed' | 'Failed' | 'Canceled' | 'Terminated';

export type FlowPhase = 'Running' | 'Pausing' | 'Paused' | 'Stopping' | ClosedPhase;

/**
 * What moves a flow from phase to phase. A request is one of `change` (update, restart, replay, and pause or resume of
 * single functions), `pause`, `resume` or `end` (stop or delete). The other events are outcomes that the workflow observes.
 */
export type PhaseEvent =
  | 'change'
  | 'pause'
  | 'resume'
  | 'end'
  /** No replica is left of a flow that is pausing. */
  | 'paused'
  /** Every Job of a batch flow succeeded. */
  | 'completed'
  | 'failed'
  /** No replica is left; the data stays. */
  | 'stopped'
  /** No replica and no data is left. */
  | 'deleted'
  | 'deleted-by-force'
  /** The workflow itself was canceled. */
  | 'canceled';

type Transitions = { readonly [Event in PhaseEvent]?: FlowPhase };

/** A flow can fail or be canceled, or be ended by a request, in every open phase. */
const always: Transitions = { end: 'Stopping', failed: 'Failed', canceled: 'Canceled' };

/** Every legal transition. */
const transitions: { readonly [Phase in FlowPhase]: Transitions } = {
  Running: { ...always, change: 'Running', pause: 'Pausing', resume: 'Running', completed: 'Completed' },
  Pausing: { ...always, change: 'Pausing', pause: 'Pausing', resume: 'Running', paused: 'Paused' },
  Paused: { ...always, change: 'Paused', pause: 'Paused', resume: 'Running' },
  Stopping: { ...always, stopped: 'Stopped', deleted: 'Canceled', 'deleted-by-force': 'Terminated' },
  Stopped: {},
  Completed: {},
  Failed: {},
  Canceled: {},
  Terminated: {},
};

/** The phase after an event. Throws StateError `state-invalid` when the phase does not allow the event. */
export function nextPhase(phase: FlowPhase, event: PhaseEvent): FlowPhase {
  const next = transitions[phase][event];
  if (next === undefined) throw new StateError('state-invalid', `illegal transition: "${event}" in phase ${phase}`);
  return next;
}

/** Whether an event is legal in a phase. */
export function canTransition(phase: FlowPhase, event: PhaseEvent): boolean {
  return transitions[phase][event] !== undefined;
}

/** Whether a phase is final. */
export function isClosedPhase(phase: FlowPhase): phase is ClosedPhase {
  return Object.keys(transitions[phase]).length === 0;
}

/** Whether a flow in this phase is neither closed nor about to close. */
export function isActivePhase(phase: FlowPhase): boolean {
  return canTransition(phase, 'change');
}
