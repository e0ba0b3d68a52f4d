import type { Rewind } from '../../ports/streams';
import type { AppliedState, CarriedState } from '../ports/flow-workflow';
import { omitFunctions } from './desired-state';
import type { Transition } from './flow-activities';

export const nothingApplied: AppliedState = {
  isPrepared: false,
  revision: 0,
  previous: 0,
  ended: [],
  hashes: {},
  keptHashes: {},
};

/**
 * Hashes to keep over a transition: an updated function that must not restart keeps its template's hash; one that
 * restarts or re-reads gets the hash of its new template.
 */
export function keptHashesAfter(
  { keptHashes, hashes }: AppliedState,
  { kept, restarted }: Transition,
  rewinds: readonly Rewind[],
): AppliedState['keptHashes'] {
  const renewed = [...restarted, ...rewinds.map(({ function: id }) => id)];
  const entries = kept.flatMap((id) => {
    if (renewed.includes(id)) return [];
    const hash = keptHashes[id] ?? hashes[id];
    return hash === undefined ? [] : [[id, hash] as const];
  });
  return { ...omitFunctions(keptHashes, renewed), ...Object.fromEntries(entries) };
}

/** The state as one run of the workflow passes it on. */
export function carryApplied({ keptHashes, ...applied }: AppliedState): CarriedState['applied'] {
  return { ...applied, pins: keptHashes };
}

export function restoreApplied({ pins, ...applied }: CarriedState['applied']): AppliedState {
  return { ...applied, keptHashes: pins };
}
