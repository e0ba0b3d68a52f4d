import { StateError } from '../../../../lib/errors';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { type ExecutionPhase, executionPhases } from '../../../api-contract/execution-phase';
import { poll } from '../../../async/poll';
import type { ExecutionStore, ListedExecution } from '../ports/execution-store';
import { executionView } from '../ports/execution-view';
import type { ExecutionRun, ExecutionSnapshot, ExecutionWorkflows } from '../ports/execution-workflow';

export interface FindExecutionProps {
  readonly store: ExecutionStore;
  readonly workflows: ExecutionWorkflows;
}

/** How long an execution takes to begin, at most. */
const beginning = { intervalMs: 50, timeoutMs: 5_000 };

/** The entry of an execution in the list. Throws StateError `execution-missing`. */
export async function findListed({ store }: FindExecutionProps, key: ExecutionKey): Promise<ListedExecution> {
  const listed = await store.find(key);
  if (listed !== undefined) return listed;
  const name = executionName(key);
  throw new StateError('execution-missing', `${name}: no such execution`, { where: name });
}

/**
 * Everything about an execution: of its workflow while it runs, of the store when it has ended. Throws StateError
 * `execution-missing`.
 */
export async function findSnapshot(props: FindExecutionProps, key: ExecutionKey): Promise<ExecutionSnapshot> {
  const { store } = props;
  const listed = await findListed(props, key);
  const open = executionPhases[listed.view.status].isClosed ? undefined : await openSnapshot(props, listed);
  const snapshot = open ?? (await store.snapshot(key));
  if (snapshot !== undefined) return snapshot;
  const name = executionName(key);
  throw new StateError('execution-missing', `${name}: its state is not known yet, or is lost`, { where: name });
}

/** What the workflow knows; undefined if it has stored everything and ended, or does not exist. */
async function openSnapshot(
  props: FindExecutionProps,
  { view, incarnation }: ListedExecution,
): Promise<ExecutionSnapshot | undefined> {
  const { store, workflows } = props;
  let run: ExecutionRun | undefined;
  const answer = await poll(async () => {
    const [known, found] = await Promise.all([workflows.describe(view), workflows.snapshot(view)]);
    run = known;
    return found ?? (known?.isOpen === true ? undefined : null); // it has just begun
  }, beginning);
  if (answer === undefined || answer === null || run === undefined) return undefined;
  if ('isTooLarge' in answer) {
    if (run.isOpen) await workflows.command(view, { kind: 'save' }).catch(ignoreEnded);
    return undefined;
  }
  const { snapshot } = answer;
  if (run.isOpen) return snapshot;
  // somebody has ended the workflow in Temporal, or it ended a moment ago
  const ended = snapshot.state.outcome === undefined ? stopped(snapshot, run.closedMs ?? Date.now()) : snapshot;
  await store.saveSnapshot(ended);
  await store.update(executionView(ended), incarnation);
  return ended;
}

function stopped(snapshot: ExecutionSnapshot, endedMs: number): ExecutionSnapshot {
  const { state, log } = snapshot;
  return {
    ...snapshot,
    state: { ...state, ending: { status: 'canceled' }, outcome: { status: 'canceled' } },
    endedMs,
    isTerminated: true,
    log: [...log, { atMs: endedMs, what: 'canceling', by: 'temporal' }, { atMs: endedMs, what: 'stopped' }],
  };
}

/** Throws StateError `state-invalid` that names the phase. */
export function assertPhase(
  { status }: { readonly status: ExecutionPhase },
  key: ExecutionKey,
  { is, todo }: { readonly is: 'closed' | 'open' | 'resumable'; readonly todo: string },
): void {
  const { isClosed, isResumable } = executionPhases[status];
  const holds = { closed: isClosed, open: !isClosed, resumable: isResumable }[is];
  const name = executionName(key);
  if (!holds) throw new StateError('state-invalid', `${name} is ${status}; ${todo}`, { where: name });
}

/** The execution ended in the meantime, and is stored as it ended. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof StateError)) throw error;
}
