import { setTimeout as sleep } from 'node:timers/promises';
import { type ObjectStoreCall, ObjectStoreError, wrapObjectStoreError } from './object-store-error';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** How long to go on trying. */
export interface RetryLimits {
  readonly retryForMs: number;
  /** Ends the pauses: the last failure is thrown at once. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a call, again after growing pauses for as long as the store is unavailable and the time is not over. Throws the
 * last failure, wrapped.
 */
export async function retryUnavailable<T>(
  call: ObjectStoreCall,
  limits: RetryLimits,
  attempt: () => Promise<T>,
): Promise<T> {
  const end = Date.now() + limits.retryForMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const failure = wrapObjectStoreError(error, call);
      const passing = failure instanceof ObjectStoreError && failure.reason === 'unavailable';
      // Half the pause at least, so that many clients do not come back at the same moment.
      const waitMs = pauseMs * (0.5 + Math.random() / 2);
      if (!passing || limits.signal?.aborted || Date.now() + waitMs > end) throw failure;
      await sleep(waitMs, undefined, { signal: limits.signal }).catch(() => Promise.reject(failure));
    }
  }
}
