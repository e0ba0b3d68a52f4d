import { type BackoffRule, jitteredBackoffMs } from './backoff';
import { pause } from './pause';

export interface RetryOptions {
  /** Judges an error by its class or code, never by its text. */
  readonly isRetryable: (error: unknown) => boolean | Promise<boolean>;
  /** Delays between attempts, applied with jitter; or the delay that the error itself calls for, in ms. */
  readonly delays: BackoffRule | ((error: unknown) => number);
  /** No attempt starts later than this after the first. No limit when left out; 0 allows one attempt. */
  readonly timeoutMs?: number;
  /** Attempts in all, the first included. No limit when left out. */
  readonly attempts?: number;
  /** Stops the retries. An attempt under way is the caller's to abort. */
  readonly signal?: AbortSignal;
  /** Called before each delay, with the number of attempts made. */
  readonly onRetry?: (error: unknown, made: number) => void;
  /** The error to throw when the attempts are used up; when left out, the error of the last attempt. */
  readonly exhausted?: (lastError: unknown) => Error;
}

/**
 * Runs `attempt` until it succeeds, and returns what it returned.
 *
 * I1. At least one attempt is made, and two never overlap.
 * I2. An error that is not retryable is thrown at once, unchanged.
 * I3. Once the signal is aborted no attempt starts: the error of the last one is thrown, unchanged.
 * I4. When the time or the number of attempts is used up, the last error decides what is thrown.
 */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { isRetryable, delays, timeoutMs = Infinity, attempts = Infinity, signal } = options;
  const startedMs = performance.now();
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted || !(await isRetryable(error))) throw error; // I2, I3
      const delayMs = typeof delays === 'function' ? delays(error) : jitteredBackoffMs(made - 1, delays);
      const isLate = performance.now() + delayMs - startedMs > timeoutMs;
      if (isLate || made >= attempts) throw options.exhausted?.(error) ?? error; // I4
      options.onRetry?.(error, made);
      await pause(delayMs, signal);
      if (signal?.aborted) throw error; // I3
    }
  }
}
