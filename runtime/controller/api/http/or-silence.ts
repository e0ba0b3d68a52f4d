import { setTimeout as delay } from 'node:timers/promises';

/** What is awaited, or `silence` when it has not come after so long. */
export async function orSilence<T>(next: Promise<T>, ms: number): Promise<T | 'silence'> {
  const timer = new AbortController();
  try {
    return await Promise.race([next, delay(ms, 'silence' as const, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
