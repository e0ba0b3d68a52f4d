import type { AvroRecord } from '../../../lib/define/sdk';
import { FunctionError } from '../../../lib/errors';

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Arrays, generators and the like; not strings, and not plain records. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/** The records in what a function gave: one, several, or none. Throws FunctionError on anything else. */
export async function* eachRecord(given: unknown): AsyncGenerator<AvroRecord> {
  if (given === undefined || given === null) return;
  if (isIterable(given)) {
    for await (const record of given) yield record as AvroRecord;
    return;
  }
  if (typeof given !== 'object') {
    throw new FunctionError(
      'function-failed',
      `the function returned ${typeof given} ${String(given).slice(0, 40)}, not a record`,
    );
  }
  yield given as AvroRecord;
}
