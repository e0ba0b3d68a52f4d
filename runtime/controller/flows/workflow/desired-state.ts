import type { FlowPhase } from '../../../api-contract/flow-phase';
import type { PendingRewind } from '../ports/flow-record';
import type { FlowRequest } from '../ports/flow-request';
import type { DesiredState } from '../ports/flow-workflow';
import { canTransition, type PhaseEvent } from '../ports/phase-transitions';
import type { Transition } from './flow-activities';

/** The phase event of a request. */
export function eventOf(request: FlowRequest): PhaseEvent {
  switch (request.kind) {
    case 'pause':
    case 'resume':
      return request.functions.length === 0 ? request.kind : 'change';
    case 'restart':
    case 'replay':
    case 'update':
      return 'change';
    case 'stop':
    case 'delete':
      return 'end';
  }
}

/** Why a flow refuses a request; undefined when the request is accepted. */
export function refusalOf(phase: FlowPhase, desired: DesiredState, request: FlowRequest): string | undefined {
  const { ending, revision } = desired;
  if ((ending === 'delete' || ending === 'force') && request.kind !== 'delete')
    return 'the flow is being deleted; submit it again once it is gone';
  if (!canTransition(phase, eventOf(request))) return 'the flow is stopping; submit it again once it is stopped';
  if (request.kind === 'update' && request.base !== revision) {
    return `the flow is at revision ${revision}, but the update is based on revision ${request.base}; send the update again`;
  }
  return undefined;
}

/**
 * The desired state after an accepted request; `revision` is the number of the latest revision. A request never waits for
 * an earlier one: it drops the parts of earlier requests that contradict it.
 */
export function withRequest(desired: DesiredState, request: FlowRequest, revision: number): DesiredState {
  switch (request.kind) {
    case 'pause':
      return request.functions.length === 0
        ? { ...desired, isPaused: true }
        : withPauses(desired, request.functions, true);
    case 'resume':
      if (request.functions.length > 0) return withPauses(desired, request.functions, false);
      return { ...desired, isPaused: false, pauses: onlyResumed(desired.pauses) };
    case 'restart':
      return { ...desired, restarts: countRestarts(desired.restarts, request.functions) };
    case 'replay':
      return { ...desired, rewinds: [...desired.rewinds, ...request.rewinds] };
    case 'update': {
      const kept = request.cause === 'rollback' ? withoutUpdateRewinds(desired) : desired;
      const rewinds = [...kept.rewinds, ...request.dropped.map(rewindOfUpdate)];
      return { ...kept, revision, rewinds, pauses: omitFunctions(desired.pauses, request.updated) };
    }
    case 'stop':
      return { ...desired, ending: 'stop' };
    case 'delete':
      return { ...desired, ending: request.force || desired.ending === 'force' ? 'force' : 'delete' };
  }
}

/** Only a rollback cancels the re-reads still pending from the update it reverts. */
export function withoutUpdateRewinds(desired: DesiredState): DesiredState {
  return { ...desired, rewinds: desired.rewinds.filter(({ isOfUpdate }) => !isOfUpdate) };
}

/**
 * The desired state after a transition to `started`: its re-reads are no longer pending. `current` may contain later
 * requests, whose re-reads stay pending.
 */
export function withRewindsStarted(
  current: DesiredState,
  started: DesiredState,
  { restarted }: Transition,
): DesiredState {
  return {
    ...current,
    rewinds: current.rewinds.filter((rewind) => !started.rewinds.includes(rewind)),
    // new credentials do not change the template hash, so the restart count must
    restarts: countRestarts(current.restarts, restarted),
  };
}

/** The entries without those of these functions. */
export function omitFunctions<T>(
  entries: { readonly [functionId: string]: T },
  functions: readonly string[],
): { readonly [functionId: string]: T } {
  return Object.fromEntries(Object.entries(entries).filter(([id]) => !functions.includes(id)));
}

function rewindOfUpdate(id: string): PendingRewind {
  return { function: id, start: { from: 'first' }, isOfUpdate: true };
}

function withPauses(desired: DesiredState, functions: readonly string[], isPaused: boolean): DesiredState {
  return { ...desired, pauses: { ...desired.pauses, ...Object.fromEntries(functions.map((id) => [id, isPaused])) } };
}

/** Resuming the whole flow revokes the requested pauses of functions, but not those of the document. */
function onlyResumed(pauses: DesiredState['pauses']): DesiredState['pauses'] {
  return Object.fromEntries(Object.entries(pauses).filter(([, isPaused]) => !isPaused));
}

function countRestarts(restarts: DesiredState['restarts'], functions: readonly string[]): DesiredState['restarts'] {
  return { ...restarts, ...Object.fromEntries(functions.map((id) => [id, (restarts[id] ?? 0) + 1])) };
}
