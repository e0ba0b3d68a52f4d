import type { ConsumerProgress } from './ports/flow-state';

/** Whether a reader has seen the last of a stream: it is sealed, and everything up to the seal is delivered and acked. */
export function isFinished(sealedAt: number | undefined, progress: ConsumerProgress): boolean {
  if (sealedAt === undefined) return false;
  return (
    progress.pending === 0 && progress.ackPending === 0 && Math.max(progress.ackFloor, progress.delivered) >= sealedAt
  );
}

/** What a batch replica asks again and again: is every input finished? */
export interface CompletionProbe {
  /** True when every input is sealed, delivered and acked. */
  finished(): Promise<boolean>;
}

/**
 * Resolves when the probe has said yes twice in a row: one reading may catch a message between two counters.
 * Rejects when the probe does, or with the signal's reason.
 */
export async function waitForCompletion(probe: CompletionProbe, everyMs: number, signal: AbortSignal): Promise<void> {
  let yes = 0;
  while (yes < 2) {
    signal.throwIfAborted();
    yes = (await probe.finished()) ? yes + 1 : 0;
    if (yes < 2) await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
