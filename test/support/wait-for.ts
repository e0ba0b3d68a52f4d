import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/** A guard against hangs: far longer than any condition takes, even on a busy machine. */
const timeoutMs = 90_000;
const everyMs = 10;

type Read<T> = () => T | Promise<T>;
type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

/**
 * Polls a value until the condition holds, and returns that value; without a condition, the first truthy value. A read
 * that throws does not meet the condition. After 90 s the wait fails with `what` and the last value or error.
 */
export function waitFor<T>(what: string, read: Read<T>): Promise<Truthy<T>>;
export function waitFor<T, Held extends T>(
  what: string,
  read: Read<T>,
  holds: (value: T) => value is Held,
): Promise<Held>;
export function waitFor<T>(what: string, read: Read<T>, holds: (value: T) => boolean): Promise<T>;
export async function waitFor<T>(what: string, read: Read<T>, holds: (value: T) => boolean = Boolean): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    let seen: string;
    try {
      const value = await read();
      if (holds(value)) return value;
      seen = inspect(value, { depth: 8, breakLength: 120 });
    } catch (error) {
      seen = (error as Error).message;
    }
    if (performance.now() > end) {
      throw new Error(`timed out after ${timeoutMs / 1000} s waiting for ${what}; last seen: ${seen}`);
    }
    await delay(everyMs);
  }
}
