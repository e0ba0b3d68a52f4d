import { isPlainMap } from '../../plain-map';

/** A step whose input is not what the step needs. The message names no step. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** What a task without a result gives. */
export const emptyOutput = {};

/**
 * The input of a node, from what its predecessors gave, in the order of their indexes. Empty objects are dropped where anything
 * else arrives. Nothing is `{}`, a single value is the value itself, several are a list.
 */
export function joinInputs(values: readonly unknown[]): unknown {
  if (values.length === 1) return values[0];
  const filled = values.filter((value) => !isPlainMap(value) || Object.keys(value).length > 0);
  if (filled.length === 0) return emptyOutput;
  return filled.length === 1 ? filled[0] : filled;
}

/** One object of a list of objects, in which later keys win. Anything but a list stays as it is. Throws InputError. */
export function mergeInputs(input: unknown): unknown {
  if (!Array.isArray(input)) return input;
  const odd = input.findIndex((item) => !isPlainMap(item));
  if (odd >= 0) throw new InputError(`only objects can be merged, got ${kindOf(input[odd])} at ${odd} of the list`);
  return Object.fromEntries(input.flatMap((item) => Object.entries(item as object)));
}

/** Throws InputError for anything but a list. */
export function itemsOf(input: unknown): readonly unknown[] {
  if (Array.isArray(input)) return input;
  throw new InputError(`"*" needs a list, got ${kindOf(input)}`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
