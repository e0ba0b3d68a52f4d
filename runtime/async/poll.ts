import { setTimeout as delay } from 'node:timers/promises';

export interface PollOptions {
  readonly intervalMs: number;
  /** No limit when left out. The probe runs once more when the time is up. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Calls `probe` at intervals until it returns a value, and returns that value; undefined when it returned none in time.
 * Rejects with an error of the probe, and with the signal's reason.
 */
export async function poll<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  { intervalMs, timeoutMs = Infinity, signal }: PollOptions,
): Promise<T | undefined> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const isLast = performance.now() >= endMs;
    signal?.throwIfAborted();
    const found = await probe();
    if (found !== undefined || isLast) return found;
    await delay(Math.max(0, Math.min(intervalMs, endMs - performance.now())), undefined, { signal });
  }
}

/** Waits until a condition holds; false when it did not in time. Rejects as `poll` does. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, options: PollOptions): Promise<boolean> {
  const probe = async () => ((await condition()) ? true : undefined);
  return (await poll(probe, options)) ?? false;
}
