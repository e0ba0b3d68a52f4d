import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/** A guard against hangs: pods that fail are started again after up to five minutes. */
const timeoutMs = 600_000;
const everyMs = 500;

/** Thrown by a read that will never hold. */
export class Hopeless extends Error {}

/**
 * Polls a value until it is truthy, or until the condition holds, for up to ten minutes. A read that throws does not meet
 * the condition, unless it throws `Hopeless`.
 */
export async function eventually<T>(
  what: string,
  read: () => Promise<T>,
  holds: (value: T) => boolean = Boolean,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    let seen: string;
    try {
      const value = await read();
      if (holds(value)) return value;
      seen = inspect(value, { depth: 4, breakLength: 120 });
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      seen = (error as Error).message;
    }
    if (performance.now() > end) {
      throw new Error(`timed out after ${timeoutMs / 1000} s waiting for ${what}; last seen: ${seen}`);
    }
    await delay(everyMs);
  }
}
