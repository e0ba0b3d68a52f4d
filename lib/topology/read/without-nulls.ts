import { isPlainMap } from '../../plain-map';
import { knownKeysAt } from '../document/known-keys';
import type { DocumentPath } from '../problem/document-path';

/**
 * The document without known keys that hold nothing (`globalConfig:` and no more): they count as absent. Avro schemas
 * stay as they are, since `"default": null` means something there.
 */
export function withoutNulls(document: unknown): unknown {
  const strip = (value: unknown, path: DocumentPath): unknown => {
    if (Array.isArray(value)) return value.map((item) => strip(item, [...path, 0]));
    if (!isPlainMap(value)) return value;
    const keys = knownKeysAt(path);
    if (keys.length === 0) return value;
    const kept: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      if (item === null && keys.includes(key)) continue;
      kept[key] = key === 'schema' ? item : strip(item, [...path, key]);
    }
    return kept;
  };
  return strip(document, []);
}
