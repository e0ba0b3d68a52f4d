/** The state of a durable consumer: every message up to `ackFloor` is acked. */
export interface ConsumerProgress {
  readonly ackFloor: number;
  readonly delivered: number;
  readonly ackPending: number;
  readonly pending: number;
}

/**
 * True when a consumer has finished its stream: the stream is sealed, and all messages up to the seal are acked, but for
 * `unacked` at most.
 */
export function isFinished(sealedAt: number | undefined, progress: ConsumerProgress, unacked = 0): boolean {
  const { ackFloor, delivered, ackPending, pending } = progress;
  return sealedAt !== undefined && pending === 0 && ackPending <= unacked && Math.max(ackFloor, delivered) >= sealedAt;
}

/** Reads the progress of a batch replica. */
export interface CompletionProbe {
  /** True when every input is sealed, delivered and acked. */
  finished(): Promise<boolean>;
}

/**
 * Resolves after two positive probes in a row: a single reading may miss a message that is between two counters.
 * Rejects when the probe does, or with the signal's reason.
 */
export async function waitForCompletion(probe: CompletionProbe, everyMs: number, signal: AbortSignal): Promise<void> {
  let positive = 0;
  while (positive < 2) {
    signal.throwIfAborted();
    positive = (await probe.finished()) ? positive + 1 : 0;
    if (positive < 2) await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
