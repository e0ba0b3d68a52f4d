import type { Mode, Topology } from '../../../../lib/topology/document/topology';
import { atMost } from '../../../async/at-most';
import { lostOf } from '../../../engine/drift/drift';
import { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { counted } from '../../render/measures';
import type { FunctionCounts } from './flow-progress';
import type { LocalFlow } from './local-flow';
import type { ProgressView } from './progress-view';

/** How a run ended; `unavailable`: at its timeout, or at Ctrl-C, while nats was away. */
export type RunEnd = 'completed' | 'failed' | 'timeout' | 'interrupted' | 'unavailable';

type RunView = Pick<ProgressView, 'say' | 'show'>;

const readEveryMs = 500;
/** How long nats may take to tell how far a flow is that has to end. */
const answerMs = 20_000;
/** Limit for processing the records in flight when a stream flow ends. */
const drainMs = 60_000;

/**
 * Shows the progress of a flow until the batch completes, a function fails, the timeout elapses, or Ctrl-C is pressed. A
 * stream flow is then drained: its sources stop, and the records in flight are processed.
 */
export async function watchRun(
  flow: LocalFlow,
  topology: Topology,
  ports: { readonly view: RunView; readonly interrupts: Interrupts; readonly timeoutMs: number | undefined },
): Promise<RunEnd> {
  const { view, interrupts, timeoutMs = Number.POSITIVE_INFINITY } = ports;
  // the first Ctrl-C ends the flow, in stream mode a second one ends the drain; one more ends the process at once
  interrupts.exitAt = topology.mode === 'stream' ? 3 : 2;
  const deadline = Date.now() + timeoutMs;
  let end: RunEnd | undefined;
  let isReading = false;
  let failure: { readonly error: unknown } | undefined;
  const show = (functions: FunctionCounts[]) => {
    isReading = false;
    if (end === undefined) view.show(functions, Date.now());
  };
  while (end === undefined) {
    // a nats that is away must not keep the run from its end
    if (!isReading) void flow.progress().then(show, (error) => (failure = { error }));
    isReading = true;
    await interrupts.waitAtMost(readEveryMs);
    if (failure !== undefined) throw failure.error;
    end = endOf(flow, topology, interrupts, deadline);
  }
  const isEarly = end === 'timeout' || end === 'interrupted';
  if (isEarly && (await atMost(answerMs, flow.progress())) === undefined) end = 'unavailable';
  if (end === 'completed') end = await confirmEnd(flow, view);
  if (end === 'completed') await flow.markCompleted();
  else if (end !== 'failed' && end !== 'unavailable' && topology.mode === 'stream') await drain(flow, view, interrupts);
  await flow.stop();
  const failed = flow.failedStops();
  for (const { function: id, number, message } of failed) view.say(`${id}-${number} left something undone: ${message}`);
  return failed.length > 0 && end !== 'unavailable' ? 'failed' : end;
}

function endOf(flow: LocalFlow, topology: Topology, interrupts: Interrupts, deadline: number): RunEnd | undefined {
  if (flow.replicas().some((replica) => replica.phase === 'failed')) return 'failed';
  if (topology.mode === 'batch' && flow.isComplete()) return 'completed';
  if (interrupts.count > 0) return 'interrupted';
  return Date.now() > deadline ? 'timeout' : undefined;
}

/** `failed` when replicas exited with 0 and left records: their inputs tell whether they have finished, not their exit. */
export async function confirmEnd(
  flow: Pick<LocalFlow, 'progress'>,
  view: Pick<ProgressView, 'say'>,
): Promise<'completed' | 'failed'> {
  const left = (await flow.progress()).filter(({ pending }) => pending > 0);
  for (const { function: id, pending } of left) {
    view.say(`${id}: its replicas exited with code 0 and left ${counted(pending, 'record')} unprocessed`);
  }
  return left.length === 0 ? 'completed' : 'failed';
}

async function drain(flow: LocalFlow, view: RunView, interrupts: Interrupts): Promise<void> {
  view.say('draining: the sources stop, and records in flight are processed (Ctrl-C to end at once)');
  const deadline = Date.now() + drainMs;
  for (const functions of flow.stopOrder()) {
    await flow.stopFunctions(functions);
    if (!(await isDrained(flow, view, interrupts, deadline))) {
      sayUndrained(view);
      return;
    }
  }
}

/** Waits until no record is in flight; false when Ctrl-C or the deadline ends the wait. */
async function isDrained(flow: LocalFlow, view: RunView, interrupts: Interrupts, deadline: number): Promise<boolean> {
  const before = interrupts.count;
  while (interrupts.count === before && Date.now() < deadline) {
    const progress = await atMost(deadline - Date.now(), flow.progress());
    if (progress === undefined) return false;
    view.show(progress, Date.now());
    if (progress.every((fn) => fn.pending === 0)) return true;
    await flow.flushBulks();
    await interrupts.waitAtMost(readEveryMs);
  }
  return false;
}

function sayUndrained(view: RunView): void {
  view.say('some records in flight were not processed; --keep would have kept them for the next run');
}

/**
 * `Done` for a batch that completed, and for a stream flow that did not fail, unless records went to the dead letters or were
 * removed from outside.
 */
export function statusOfRun(
  end: RunEnd,
  mode: Mode,
  functions: readonly Pick<FunctionCounts, 'dead' | 'drifts'>[],
): ExitStatus {
  const isUnfinished = mode === 'batch' && end !== 'completed';
  const isIncomplete = functions.some(({ dead, drifts }) => dead > 0 || lostOf(drifts) > 0);
  return end === 'failed' || isUnfinished || isIncomplete ? ExitStatus.Failed : ExitStatus.Done;
}
