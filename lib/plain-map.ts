/** A map of YAML or JSON: string keys, and values of any kind. */
export type PlainMap = { readonly [key: string]: unknown };

export function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The maps in a list, with their indexes. */
export function entriesOf(list: unknown): readonly (readonly [number, PlainMap])[] {
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  return items.flatMap((item, index) => (isPlainMap(item) ? [[index, item] as const] : []));
}

/** The values of a map or list with their keys or indexes; empty for any other value. */
export function childrenOf(value: unknown): readonly (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const);
  return isPlainMap(value) ? Object.entries(value) : [];
}
