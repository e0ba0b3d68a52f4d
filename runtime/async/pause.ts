import { setTimeout as delay } from 'node:timers/promises';

/** Waits, but no longer than until the signal. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
