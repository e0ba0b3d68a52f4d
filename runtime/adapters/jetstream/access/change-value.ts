import type { KV } from 'nats';
import { writeIfUnchanged } from './write-if-unchanged';

/** What a change makes of a value; undefined for one that does not exist, and to remove it. */
export type ValueChange<Value, Result> = (stored: Value | undefined) => {
  readonly next: Value | undefined;
  readonly result: Result;
};

/**
 * Replaces a JSON value by what `change` makes of it, and repeats that when another write was faster. A value that is returned
 * as it came is not written. Throws errors of requests, and of `change`, unchanged.
 */
export async function changeValue<Value, Result>(
  values: KV,
  key: string,
  change: ValueChange<Value, Result>,
): Promise<Result> {
  for (;;) {
    const entry = await values.get(key);
    const stored = entry?.operation === 'PUT' ? entry.json<Value>() : undefined;
    const { next, result } = change(stored);
    if (next === stored) return result;
    const revision = entry?.revision ?? 0;
    if (next === undefined) {
      if (await isPurged(values, key, revision)) return result;
    } else if ((await writeIfUnchanged(values, { key, value: JSON.stringify(next), revision })) !== undefined) {
      return result;
    }
  }
}

/** False when another write was faster. */
async function isPurged(values: KV, key: string, revision: number): Promise<boolean> {
  try {
    await values.purge(key, { previousSeq: revision });
    return true;
  } catch (error) {
    const last = await values.get(key);
    if (last?.revision === revision) throw error;
    return last === null || last.operation !== 'PUT';
  }
}
