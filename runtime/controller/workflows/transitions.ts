import type { AppliedFlow, FlowGoal } from '../ports/flow-request';
import { countRestarts, without } from './accept-request';
import type { Transition } from './flow-activities';

/** What is still wanted when a goal was reached, of what is wanted by now. */
export function finished(now: FlowGoal, reached: FlowGoal, { restarted }: Transition): FlowGoal {
  return {
    ...now,
    rewinds: now.rewinds.filter((rewind) => !reached.rewinds.includes(rewind)),
    // other credentials alone are no other template
    restarts: countRestarts(now.restarts, restarted),
  };
}

export const noTransition: Transition = { halted: [], dropped: [], kept: [], restarted: [] };

/** A function that is changed and not restarted keeps the hash it has; one that is restarted, its own. */
export function pinsAfter({ pins, hashes }: AppliedFlow, { kept, restarted }: Transition): AppliedFlow['pins'] {
  const pinned = kept.flatMap((id) => {
    const hash = pins[id] ?? hashes[id];
    return hash === undefined ? [] : [[id, hash] as const];
  });
  return { ...without(pins, restarted), ...Object.fromEntries(pinned) };
}
