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
 * The kept hashes after a transition: a function whose replicas are kept keeps the hash of its old template; a function that
 * restarts or re-reads gets the hash of the new one.
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

/** Converts the state to the wire format of `CarriedState`. */
export function carryApplied({ keptHashes, ...applied }: AppliedState): CarriedState['applied'] {
  return { ...applied, pins: keptHashes };
}

export function restoreApplied({ pins, ...applied }: CarriedState['applied']): AppliedState {
  return { ...applied, keptHashes: pins };
}
