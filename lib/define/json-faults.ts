/** Each place in a value that JSON has no words for, and what is there: a document is text in the end. */
export function jsonFaults(value: unknown, path: string, above: readonly unknown[] = []): readonly string[] {
  const what = kindOf(value, above);
  if (what !== undefined) return [`${path} is ${what}, which a document cannot say; give plain values`];
  if (typeof value !== 'object' || value === null) return [];
  const inside = [...above, value];
  if (Array.isArray(value)) return value.flatMap((item, index) => jsonFaults(item, `${path}[${index}]`, inside));
  return Object.entries(value).flatMap(([key, inner]) =>
    // a key without a value is a key that is not there
    inner === undefined ? [] : jsonFaults(inner, `${path}.${key}`, inside),
  );
}

function kindOf(value: unknown, above: readonly unknown[]): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === undefined) return 'undefined';
  if (['bigint', 'function', 'symbol'].includes(typeof value)) return `a ${typeof value}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (above.includes(value)) return 'a part of itself';
  const prototype: unknown = Object.getPrototypeOf(value);
  // plain objects of another realm have a prototype of their own, which has none
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? undefined : `a ${value.constructor.name}`;
}
