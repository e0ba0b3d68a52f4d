import type { Topology } from '../../../../lib/topology/document/topology';
import type { Interrupts } from './interrupts';
import type { LocalFlow } from './local-flow';
import type { ProgressView } from './progress-view';

/** How a run came to its end. */
export type RunEnd = 'completed' | 'failed' | 'timeout' | 'interrupted';

const readEveryMs = 500;
/** How long records on their way may take to come through when a stream flow is ended. */
const drainMs = 60_000;

/**
 * Shows a flow's progress until a batch flow has completed, a function has failed for good, the time is up, or Ctrl-C.
 * A stream flow that is ended is drained: its sources stop first, and what they gave is processed.
 */
export async function watchFlow(
  flow: LocalFlow,
  topology: Topology,
  ports: { readonly view: ProgressView; readonly interrupts: Interrupts; readonly timeoutMs?: number },
): Promise<RunEnd> {
  const { view, interrupts, timeoutMs = Number.POSITIVE_INFINITY } = ports;
  // Ctrl-C ends the flow, in stream mode a second one ends its draining; one more ends everything at once
  interrupts.exitAt = topology.mode === 'stream' ? 3 : 2;
  const deadline = Date.now() + timeoutMs;
  let end: RunEnd | undefined;
  while (end === undefined) {
    await interrupts.waitAtMost(readEveryMs);
    view.show(await flow.progress(), Date.now());
    end = endOf(flow, topology, interrupts, deadline);
  }
  if (end === 'completed') await flow.markCompleted();
  else if (end !== 'failed' && topology.mode === 'stream') await drain(flow, view, interrupts);
  await flow.stop();
  return end;
}

function endOf(flow: LocalFlow, topology: Topology, interrupts: Interrupts, deadline: number): RunEnd | undefined {
  if (flow.replicas().some((replica) => replica.phase === 'failed')) return 'failed';
  if (topology.mode === 'batch' && flow.isComplete()) return 'completed';
  if (interrupts.count > 0) return 'interrupted';
  return Date.now() > deadline ? 'timeout' : undefined;
}

async function drain(flow: LocalFlow, view: ProgressView, interrupts: Interrupts): Promise<void> {
  view.say('ending: the sources stop, and what is on its way is processed (Ctrl-C to end at once)');
  const before = interrupts.count;
  const deadline = Date.now() + drainMs;
  await flow.stopSources();
  while (interrupts.count === before && Date.now() < deadline) {
    const progress = await flow.progress();
    view.show(progress, Date.now());
    if (progress.every((fn) => fn.pending === 0)) return;
    await interrupts.waitAtMost(readEveryMs);
  }
  view.say('not everything on its way was processed; --keep would have kept it for the next run');
}
