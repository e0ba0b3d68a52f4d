import { isPlainMap, type PlainMap } from '../../lib/plain-map';

/**
 * Whether an observed value is the expected one. In an expected value, `{ $any: true }` stands for any value, and
 * `{ $matches: "^a+$" }` for a text, or a number as text, in which the regular expression is found.
 */
export function matchesValue(expected: unknown, observed: unknown): boolean {
  if (isMatcher(expected)) return matchesPattern(expected, observed);
  if (Array.isArray(expected)) {
    const isList = Array.isArray(observed) && observed.length === expected.length;
    return isList && expected.every((item, index) => matchesValue(item, observed[index]));
  }
  if (isPlainMap(expected)) {
    if (!isPlainMap(observed) || Object.keys(observed).length !== Object.keys(expected).length) return false;
    return Object.entries(expected).every(([key, value]) => {
      return Object.hasOwn(observed, key) && matchesValue(value, observed[key]);
    });
  }
  return expected === observed || (isNumber(expected) && isNumber(observed) && String(expected) === String(observed));
}

/** Whether a matcher is somewhere in an expected value. */
export function hasMatcher(expected: unknown): boolean {
  if (isMatcher(expected)) return true;
  return typeof expected === 'object' && expected !== null && Object.values(expected).some(hasMatcher);
}

/** Number of fields, at any depth, in which two values agree: the more, the more likely one is meant as the other. */
export function similarity(expected: unknown, observed: unknown): number {
  if (matchesValue(expected, observed)) return 1 + sizeOf(observed);
  if (typeof expected !== 'object' || typeof observed !== 'object' || expected === null || observed === null) return 0;
  const seen = observed as PlainMap;
  return Object.entries(expected).reduce((sum, [key, value]) => sum + similarity(value, seen[key]), 0);
}

function isMatcher(value: unknown): value is PlainMap {
  if (!isPlainMap(value)) return false;
  const [key, ...others] = Object.keys(value);
  return others.length === 0 && (key === '$any' || key === '$matches');
}

function matchesPattern(matcher: PlainMap, observed: unknown): boolean {
  if (matcher.$any === true) return observed !== undefined;
  const isText = typeof observed === 'string' || isNumber(observed);
  return isText && typeof matcher.$matches === 'string' && new RegExp(matcher.$matches).test(String(observed));
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, inner) => sum + 1 + sizeOf(inner), 0);
}
