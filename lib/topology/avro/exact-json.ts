/** Marks the text of an integer that is to become a bigint. */
const mark = '\u0000';
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Parses JSON with integers beyond 2^53 as bigints, which `JSON.parse` rounds. Throws SyntaxError for text that is not
 * JSON, and RangeError if the text has such an integer and is nested too deep.
 */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!/\d{16}/.test(text)) return value;
  let isExact = true;
  const marked = text.replace(token, (found) => {
    if (!isUnsafeInteger(found)) return found;
    isExact = false;
    return `"${'\\u0000'}${found}"`;
  });
  if (isExact) return value;
  return JSON.parse(marked, (_, inner: unknown) =>
    typeof inner === 'string' && inner.startsWith(mark) && isUnsafeInteger(inner.slice(1))
      ? BigInt(inner.slice(1))
      : inner,
  );
}

/** JSON with bigints as integers, in full. */
export function renderExactJson(value: unknown): string {
  const marked = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${mark}${inner}` : inner));
  return marked.replace(/"\\u0000(-?\d+)"/g, '$1');
}

/** Whether a value has a bigint inside. */
export function hasBigInt(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBigInt);
}

/** Whether a text is an integer that a number cannot hold exactly in all cases. */
export function isUnsafeInteger(text: string): boolean {
  return /^-?\d{16,}$/.test(text) && !Number.isSafeInteger(Number(text));
}
