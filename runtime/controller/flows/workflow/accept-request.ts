import type { FlowGoal, FlowRequest, WantedRewind } from '../ports/flow-request';
import type { FlowRecord, Revision } from '../ports/flow-store';

/** Why a request cannot be taken, in words for whoever asked; undefined when it can. */
export function whyRefused(goal: FlowGoal, request: FlowRequest): string | undefined {
  if (goal.ending === 'force') return 'it is being deleted; submit it again when it is gone';
  if (request.kind === 'delete') return undefined;
  if (goal.ending === 'delete') return 'it is being deleted; submit it again when it is gone';
  if (request.kind === 'stop') return undefined;
  if (goal.ending !== undefined) return 'it is stopping; submit it again when it has stopped';
  if (request.kind === 'update' && request.base !== goal.revision) {
    return `revision ${goal.revision} is in force by now, and the document was compared with revision ${request.base}; send it again`;
  }
  return undefined;
}

/**
 * What is wanted once a request is taken. Requests do not wait for each other: what was under way for an earlier one is
 * given up as far as a later one contradicts it.
 */
export function acceptRequest(goal: FlowGoal, request: FlowRequest, revision: number): FlowGoal {
  switch (request.kind) {
    case 'pause':
      return request.functions.length === 0 ? { ...goal, isPaused: true } : withPauses(goal, request.functions, true);
    case 'resume':
      if (request.functions.length > 0) return withPauses(goal, request.functions, false);
      return { ...goal, isPaused: false, pauses: onlyResumed(goal.pauses) };
    case 'restart':
      return { ...goal, restarts: countRestarts(goal.restarts, request.functions) };
    case 'replay':
      return { ...goal, rewinds: [...goal.rewinds, ...request.rewinds] };
    case 'update': {
      const kept = request.cause === 'rollback' ? withoutDrops(goal) : goal;
      const rewinds = [...kept.rewinds, ...request.dropped.map(dropOf)];
      return { ...kept, revision, rewinds, pauses: without(goal.pauses, request.updated) };
    }
    case 'stop':
      return { ...goal, ending: 'stop' };
    case 'delete':
      return { ...goal, ending: request.force ? 'force' : 'delete' };
  }
}

/** A document that goes back takes along what a later one, not in force yet, would have had read anew. */
export function withoutDrops(goal: FlowGoal): FlowGoal {
  return { ...goal, rewinds: goal.rewinds.filter(({ isOfUpdate }) => !isOfUpdate) };
}

function dropOf(id: string): WantedRewind {
  return { function: id, start: { from: 'first' }, isOfUpdate: true };
}

/** The record with another revision; the same document as the last one has is no other revision. */
export function withRevision(record: FlowRecord, revision: Omit<Revision, 'number'>): FlowRecord {
  const last = record.revisions.at(-1);
  if (last?.digest === revision.digest) return record;
  return { ...record, revisions: [...record.revisions, { ...revision, number: (last?.number ?? 0) + 1 }] };
}

/** So many revisions are remembered: a workflow carries them. */
const maxRevisions = 50;

/** Without the oldest revisions; those in use stay, and the last one that was seen ready. */
export function withoutOldRevisions(revisions: readonly Revision[], inUse: readonly number[]): readonly Revision[] {
  const proven = revisions.findLast(({ isProven }) => isProven)?.number;
  const isKept = ({ number }: Revision, index: number) =>
    index >= revisions.length - maxRevisions || number === proven || inUse.includes(number);
  return revisions.filter(isKept);
}

function withPauses(goal: FlowGoal, functions: readonly string[], isPaused: boolean): FlowGoal {
  return { ...goal, pauses: { ...goal.pauses, ...Object.fromEntries(functions.map((id) => [id, isPaused])) } };
}

/** What is said of functions, but for some of them. */
export function without<T>(
  said: { readonly [functionId: string]: T },
  functions: readonly string[],
): { readonly [functionId: string]: T } {
  return Object.fromEntries(Object.entries(said).filter(([id]) => !functions.includes(id)));
}

/** Resuming the whole flow takes back what requests have paused, not what the document pauses. */
function onlyResumed(pauses: FlowGoal['pauses']): FlowGoal['pauses'] {
  return Object.fromEntries(Object.entries(pauses).filter(([, isPaused]) => !isPaused));
}

/** One restart more of each of these functions. */
export function countRestarts(restarts: FlowGoal['restarts'], functions: readonly string[]): FlowGoal['restarts'] {
  return { ...restarts, ...Object.fromEntries(functions.map((id) => [id, (restarts[id] ?? 0) + 1])) };
}
