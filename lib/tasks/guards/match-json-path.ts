import { isPlainMap } from '../../plain-map';
import type { Comparison, Condition, JsonPath, Operand, Selector, Subscript } from './json-path';

/** Whether the path selects at least one value of the input. */
export function matchesPath(path: JsonPath, input: unknown): boolean {
  for (const _ of selectValues(path, input)) return true;
  return false;
}

/** The values that the path selects, lazily. */
export function selectValues(path: JsonPath, input: unknown): Iterable<unknown> {
  return select(path, 0, { root: input, current: input });
}

interface Place {
  readonly root: unknown;
  readonly current: unknown;
}

function* select(path: JsonPath, at: number, place: Place): Iterable<unknown> {
  const selector = path[at];
  if (selector === undefined) {
    yield place.current;
    return;
  }
  for (const current of step(selector, place)) yield* select(path, at + 1, { root: place.root, current });
}

function* step(selector: Selector, place: Place): Iterable<unknown> {
  const { kind } = selector;
  if (kind === 'descent') yield* descendants(place.current);
  else if (kind === 'filter') {
    if (holds(selector.condition, place)) yield place.current;
  } else for (const key of selector.keys) yield* children(place.current, key);
}

/** The value and everything below it, without recursion. */
function* descendants(value: unknown): Iterable<unknown> {
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    yield next;
    const below = Array.isArray(next) ? next : isPlainMap(next) ? Object.values(next) : [];
    for (let index = below.length - 1; index >= 0; index -= 1) open.push(below[index]);
  }
}

function* children(value: unknown, key: Subscript): Iterable<unknown> {
  if (key === 'every') {
    if (Array.isArray(value)) yield* value;
    else if (isPlainMap(value)) yield* Object.values(value);
  } else if ('key' in key) {
    if (isPlainMap(value) && Object.hasOwn(value, key.key)) yield value[key.key];
  } else if (!Array.isArray(value)) return;
  else if ('index' in key) {
    const index = key.index < 0 ? value.length + key.index : key.index;
    if (index >= 0 && index < value.length) yield value[index];
  } else yield* slice(value, key);
}

function* slice(
  list: readonly unknown[],
  { from, to, step = 1 }: { readonly from?: number; readonly to?: number; readonly step?: number },
): Iterable<unknown> {
  const within = (index: number) => Math.min(Math.max(index < 0 ? list.length + index : index, -1), list.length);
  const first = from === undefined ? (step > 0 ? 0 : list.length - 1) : within(from);
  const last = to === undefined ? (step > 0 ? list.length : -1) : within(to);
  for (let index = Math.max(first, step > 0 ? 0 : first); step > 0 ? index < last : index > last; index += step) {
    if (index >= 0 && index < list.length) yield list[index];
  }
}

function holds(condition: Condition, place: Place): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.parts.every((part) => holds(part, place));
    case 'or':
      return condition.parts.some((part) => holds(part, place));
    case 'not':
      return !holds(condition.part, place);
    case 'exists':
      for (const _ of valuesOf(condition.path, place)) return true;
      return false;
    case 'compare': {
      const right = [...valuesOf(condition.right, place)];
      for (const left of valuesOf(condition.left, place)) {
        if (right.some((each) => compares(condition.operator, left, each))) return true;
      }
      return false;
    }
  }
}

function valuesOf(operand: Operand, place: Place): Iterable<unknown> {
  if (operand.kind === 'value') return [operand.value];
  const current = operand.start === 'root' ? place.root : place.current;
  return select(operand.path, 0, { root: place.root, current });
}

function compares(operator: Comparison, left: unknown, right: unknown): boolean {
  if (operator === '=') return isEqual(left, right);
  if (operator === '!=') return !isEqual(left, right);
  if (typeof left !== 'number' || typeof right !== 'number') return false;
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

/** Whether two values of JSON are equal; the order of keys does not matter. */
function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other) || (one === 0 && other === 0)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isEqual(item, other[index]));
  }
  if (!isPlainMap(one) || !isPlainMap(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isEqual(one[key], other[key]))
  );
}
