import { childrenOf } from './plain-map';

/**
 * The JSON of a value. Throws TypeError, with the place of the fault below `name`, for what has no JSON, and for what JSON would
 * make null: a number that is NaN or infinite, and undefined, a function or a symbol where a value has to be.
 */
export function jsonText(name: string, value: unknown): string {
  const text = stringified(name, value);
  if (text === undefined || text.includes('null')) assertNoLoss(name, value);
  return text ?? 'null';
}

function stringified(name: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`${name}: want JSON: ${(cause as Error).message}`, { cause });
  }
}

function assertNoLoss(place: string, value: unknown): void {
  if (isNone(value) || (typeof value === 'number' && !Number.isFinite(value)))
    throw new TypeError(`${place}: want JSON, got ${String(value)}`);
  if (hasOwnJson(value)) return;
  for (const [key, child] of childrenOf(value)) {
    if (Array.isArray(value)) assertNoLoss(`${place}[${key}]`, child);
    else if (!isNone(child)) assertNoLoss(`${place}.${key}`, child); // a field without a value is left out
  }
}

function isNone(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol';
}

function hasOwnJson(value: unknown): boolean {
  return typeof (value as { readonly toJSON?: unknown } | null)?.toJSON === 'function';
}
