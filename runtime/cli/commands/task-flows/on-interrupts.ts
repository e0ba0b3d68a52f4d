import { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';

/** How soon the end of a run is noticed. */
const lookEveryMs = 100;

export interface InterruptOptions {
  readonly interrupts: Interrupts;
  /** Counts as an interrupt; default: never. */
  readonly timeoutMs: number | undefined;
  /** Aborted when nothing is left to interrupt. */
  readonly signal: AbortSignal;
}

/** Calls `act` once for each interrupt and at the timeout. Resolves after the signal is aborted, with no timer left. */
export async function onInterrupts(
  { interrupts, timeoutMs = Number.POSITIVE_INFINITY, signal }: InterruptOptions,
  act: () => Promise<void> | void,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let handled = 0;
  let isLate = false;
  while (!signal.aborted) {
    const timesOut: boolean = !isLate && Date.now() >= deadline;
    if (timesOut || interrupts.count > handled) {
      handled = interrupts.count;
      isLate ||= timesOut;
      await act();
    }
    await interrupts.waitAtMost(lookEveryMs);
  }
}

/** The exit status of a run that has ended. */
export function statusOfRun(isCompleted: boolean, { count }: Pick<Interrupts, 'count'>): ExitStatus {
  if (isCompleted) return ExitStatus.Done;
  return count > 0 ? ExitStatus.Interrupted : ExitStatus.Failed;
}
