import type { Rewind } from '../../ports/streams';
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

export const noTransition: Transition = { halted: [], kept: [], restarted: [] };

/** A function that is changed and not restarted keeps the hash it has; one that is restarted or reads anew, its own. */
export function pinsAfter(
  { pins, hashes }: AppliedFlow,
  { kept, restarted }: Transition,
  rewinds: readonly Rewind[],
): AppliedFlow['pins'] {
  const anew = [...restarted, ...rewinds.map(({ function: id }) => id)];
  const pinned = kept.flatMap((id) => {
    if (anew.includes(id)) return [];
    const hash = pins[id] ?? hashes[id];
    return hash === undefined ? [] : [[id, hash] as const];
  });
  return { ...without(pins, anew), ...Object.fromEntries(pinned) };
}
