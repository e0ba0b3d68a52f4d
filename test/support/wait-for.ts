import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/** How long a wait lasts at most, a guard against hangs, and the interval of its reads. */
interface Patience {
  readonly timeoutMs: number;
  readonly everyMs: number;
}

/** Far longer than any condition takes in processes on this machine, even a busy one. */
const usual: Patience = { timeoutMs: 90_000, everyMs: 10 };

/** Thrown by a read whose condition will never hold. */
export class Hopeless extends Error {}

type Read<T> = () => T | Promise<T>;
type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

/**
 * Polls a value until the condition holds, and returns that value; without a condition, the first truthy value. A read
 * that throws does not meet the condition, unless it throws `Hopeless`. After its patience, 90 s if none is given, the wait
 * fails with `what` and the last value or error.
 */
export function waitFor<T>(what: string, read: Read<T>): Promise<Truthy<T>>;
export function waitFor<T, Held extends T>(
  what: string,
  read: Read<T>,
  holds: (value: T) => value is Held,
): Promise<Held>;
export function waitFor<T>(what: string, read: Read<T>, holds: (value: T) => boolean, patience?: Patience): Promise<T>;
export async function waitFor<T>(
  what: string,
  read: Read<T>,
  holds: (value: T) => boolean = Boolean,
  { timeoutMs, everyMs }: Patience = usual,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    let seen: string;
    try {
      const value = await read();
      if (holds(value)) return value;
      seen = inspect(value, { depth: 8, breakLength: 120 });
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
