import { StateError } from '../../../../lib/errors';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { type ExecutionPhase, executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionView } from '../../../api-contract/execution-status';
import { poll } from '../../../async/poll';
import type { ExecutionStore, ListedExecution } from '../ports/execution-store';
import { executionView } from '../ports/execution-view';
import type { ExecutionRun, ExecutionSnapshot, ExecutionWorkflows } from '../ports/execution-workflow';

export interface FindExecutionProps {
  readonly store: Pick<ExecutionStore, 'find' | 'snapshot' | 'saveSnapshot' | 'exchange'>;
  readonly workflows: Pick<ExecutionWorkflows, 'describe' | 'snapshot' | 'command' | 'ended'>;
}

/** How long an execution takes to begin, at most. */
const beginning = { intervalMs: 50, timeoutMs: 5_000 };
/** An execution is listed, as started or resumed, before the request that starts its workflow, which takes so long at most. */
const startingMs = 20_000;
/** How long a workflow takes at most to store its execution and to close, after the execution has ended. */
const closingMs = 30_000;
/** Code of the failure of an execution whose workflow Temporal does not have any more. */
const lostCode = 'execution-lost';

/** The entry of an execution in the list. Throws StateError `execution-missing`. */
export async function findListed(
  { store }: Pick<FindExecutionProps, 'store'>,
  key: ExecutionKey,
): Promise<ListedExecution> {
  const listed = await store.find(key);
  if (listed !== undefined) return listed;
  const name = executionName(key);
  throw new StateError('execution-missing', `${name}: no such execution`, { where: name });
}

/** As `findListed`. An execution whose workflow has ended, or is gone, without a word is stored as it ended. */
export async function findCurrent(props: FindExecutionProps, key: ExecutionKey): Promise<ListedExecution> {
  const listed = await findListed(props, key);
  if (executionPhases[listed.view.status].isClosed) return listed;
  const run = await props.workflows.describe(key);
  if (run?.isOpen === true) return listed;
  const isKnown = run?.incarnation === listed.incarnation;
  const begunMs = Math.max(listed.resumedMs ?? 0, isKnown ? 0 : Date.parse(listed.view.startedAt));
  if (Date.now() - begunMs < startingMs) return listed;
  const isLost = !isKnown || (await openSnapshot(props, listed)) === null;
  if (isLost) await storeLost(props.store, listed);
  return findListed(props, key);
}

/** As `findCurrent`. An execution that has ended, and is not stored yet or whose workflow is still open, is waited for. */
export async function findClosed(props: FindExecutionProps, key: ExecutionKey): Promise<ListedExecution> {
  const listed = await findCurrent(props, key);
  if (!executionPhases[listed.view.status].isClosed && !(await isEnding(props, listed.view))) return listed;
  await props.workflows.ended(key, closingMs);
  return findListed(props, key);
}

async function isEnding({ workflows }: FindExecutionProps, view: ExecutionView): Promise<boolean> {
  const answer = await workflows.snapshot(view);
  if (answer === undefined) return false;
  if (!('isTooLarge' in answer)) return answer.snapshot.state.outcome !== undefined;
  const saved = await workflows.command(view, { kind: 'save' }).catch(ignoreEnded);
  return saved === undefined || executionPhases[saved.status].isClosed;
}

/** Whether nothing is known of an execution but its entry in the list. */
export function isLostWhole({ state }: ExecutionSnapshot): boolean {
  const { outcome, steps } = state;
  return outcome?.status === 'failed' && outcome.error.code === lostCode && Object.keys(steps).length === 0;
}

/** The execution goes on from what was stored last, if it is resumed. */
async function storeLost(store: FindExecutionProps['store'], listed: ListedExecution): Promise<void> {
  const { view, incarnation } = listed;
  const current = await store.find(view);
  if (current === undefined || executionPhases[current.view.status].isClosed) return;
  const stored = (await store.snapshot(view)) ?? unknownSnapshot(listed);
  const nowMs = Date.now();
  const message = 'its workflow is gone from Temporal';
  const error = { code: lostCode, message };
  const lost: ExecutionSnapshot = {
    ...stored,
    run: view.run,
    state: { ...stored.state, ending: { status: 'failed', error }, outcome: { status: 'failed', error } },
    endedMs: nowMs,
    log: [...stored.log, { atMs: nowMs, what: 'failed', comment: message }],
  };
  await store.saveSnapshot(lost);
  await store.exchange(listed, { view: executionView(lost), incarnation });
}

/** Of an execution that was never stored: a flow without steps. */
function unknownSnapshot({ view, incarnation }: ListedExecution): ExecutionSnapshot {
  const { status: _s, reason: _r, startedAt, endedAt: _e, run, by = '', ...described } = view;
  const at = { line: 1, col: 1 };
  return {
    v: 1,
    definition: { ...described, by, incarnation },
    graph: {
      nodes: [
        { kind: 'start', index: 0, region: 0, from: [], to: [1], end: 1, at },
        { kind: 'sink', index: 1, region: 0, from: [0], to: [], begin: 0, at },
      ],
    },
    state: { input: null, steps: {} },
    run,
    startedMs: Date.parse(startedAt),
    notes: {},
    log: [],
  };
}

/**
 * Everything about an execution: of its workflow while it runs, of the store when it has ended. Throws StateError
 * `execution-missing`.
 */
export async function findSnapshot(props: FindExecutionProps, key: ExecutionKey): Promise<ExecutionSnapshot> {
  const { store } = props;
  const listed = await findCurrent(props, key);
  const open = executionPhases[listed.view.status].isClosed ? undefined : await openSnapshot(props, listed);
  const snapshot = open ?? (await store.snapshot(key));
  if (snapshot !== undefined) return snapshot;
  const name = executionName(key);
  throw new StateError('execution-missing', `${name}: its state is not known yet, or is lost`, { where: name });
}

/** What the workflow knows; undefined if it does not exist or has no answer; null if it has ended, and never knew anything. */
async function openSnapshot(
  props: FindExecutionProps,
  listed: ListedExecution,
): Promise<ExecutionSnapshot | null | undefined> {
  const { store, workflows } = props;
  const { view, incarnation } = listed;
  let run: ExecutionRun | undefined;
  const answer = await poll(async () => {
    const [known, found] = await Promise.all([workflows.describe(view), workflows.snapshot(view)]);
    run = known;
    return found ?? (known?.isOpen === true ? undefined : null); // it has just begun
  }, beginning);
  if (answer === undefined || run === undefined) return undefined;
  if (answer === null) return null;
  if ('isTooLarge' in answer) {
    if (run.isOpen) await workflows.command(view, { kind: 'save' }).catch(ignoreEnded);
    return undefined;
  }
  const { snapshot } = answer;
  if (run.isOpen) return snapshot;
  // somebody has ended the workflow in Temporal, or it ended a moment ago
  const ended = snapshot.state.outcome === undefined ? stopped(snapshot, run.closedMs ?? Date.now()) : snapshot;
  await store.saveSnapshot(ended);
  await store.exchange(listed, { view: executionView(ended), incarnation });
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
