import { StateError } from '../../../../lib/errors';
import { type ClosedPhase, type FlowPhase, isClosedPhase } from '../../../api-contract/flow-phase';

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

/** Every legal transition. A closed phase has none. */
const transitions: { readonly [Phase in Exclude<FlowPhase, ClosedPhase>]: Transitions } = {
  Running: { ...always, change: 'Running', pause: 'Pausing', resume: 'Running', completed: 'Completed' },
  Pausing: { ...always, change: 'Pausing', pause: 'Pausing', resume: 'Running', paused: 'Paused' },
  Paused: { ...always, change: 'Paused', pause: 'Paused', resume: 'Running' },
  Stopping: { ...always, stopped: 'Stopped', deleted: 'Canceled', 'deleted-by-force': 'Terminated' },
};

/** The phase after an event. Throws StateError `state-invalid` when the phase does not allow the event. */
export function nextPhase(phase: FlowPhase, event: PhaseEvent): FlowPhase {
  const next = transitionsOf(phase)[event];
  if (next === undefined) throw new StateError('state-invalid', `illegal transition: "${event}" in phase ${phase}`);
  return next;
}

/** Whether an event is legal in a phase. */
export function canTransition(phase: FlowPhase, event: PhaseEvent): boolean {
  return transitionsOf(phase)[event] !== undefined;
}

/** Whether a flow in this phase accepts changes: it is neither closed nor about to close. */
export function acceptsChanges(phase: FlowPhase): boolean {
  return canTransition(phase, 'change');
}

function transitionsOf(phase: FlowPhase): Transitions {
  return isClosedPhase(phase) ? {} : transitions[phase];
}
