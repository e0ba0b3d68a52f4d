import type { z } from 'zod';
import { isPlainMap } from '../../plain-map';
import type { DocumentPath } from '../problem/problem';
import { knownKeysAt } from './known-keys';

/**
 * The document without known keys that have no value (`globalConfig:` alone), which count as absent. Avro schemas keep
 * them, because `"default": null` is meaningful there.
 */
export function withoutNulls(document: unknown, schema?: z.ZodType): unknown {
  const strip = (value: unknown, path: DocumentPath): unknown => {
    if (Array.isArray(value)) return value.map((item) => strip(item, [...path, 0]));
    if (!isPlainMap(value)) return value;
    const keys = knownKeysAt(path, schema);
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
