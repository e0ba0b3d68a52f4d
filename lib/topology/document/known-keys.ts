import type { z } from 'zod';
import type { DocumentPath } from '../problem/problem';
import { documentSchema } from './document-schema';

/** Caches of schemas, by path without indexes. They stay small, because they contain only paths of the schema. */
const caches = new WeakMap<z.ZodType, Map<string, readonly string[]>>();

/** The keys that the schema, by default that of topologies, defines at a path, in its order; empty where it defines none. */
export function knownKeysAt(path: DocumentPath, schema: z.ZodType = documentSchema): readonly string[] {
  const found = caches.get(schema) ?? new Map<string, readonly string[]>();
  caches.set(schema, found);
  const place = path.map((step) => (typeof step === 'number' ? 0 : step)).join('\n');
  const before = found.get(place);
  if (before !== undefined) return before;
  const keys = readKeysAt(path, schema);
  if (keys.length > 0) found.set(place, keys);
  return keys;
}

function readKeysAt(path: DocumentPath, schema: z.ZodType): readonly string[] {
  let types: readonly z.core.$ZodType[] = [schema];
  for (const step of path) types = types.flatMap((type) => inside(type, step));
  return types.flatMap((type) => objectsIn(type)).flatMap((object) => Object.keys(object.def.shape));
}

function inside(type: z.core.$ZodType, step: string | number): readonly z.core.$ZodType[] {
  return branchesOf(type).flatMap((branch) => {
    if (typeof step === 'number') return isArray(branch) ? [branch.def.element] : [];
    if (branch._zod.def.type === 'record') return [(branch._zod.def as z.core.$ZodRecordDef).valueType];
    const child = isObject(branch) ? branch.def.shape[step] : undefined;
    return child === undefined ? [] : [child];
  });
}

function objectsIn(type: z.core.$ZodType): readonly z.ZodObject[] {
  return branchesOf(type).filter(isObject);
}

/** The type without `optional`, or the branches of a union. */
function branchesOf(type: z.core.$ZodType): readonly z.core.$ZodType[] {
  const { def } = type._zod;
  if (def.type === 'optional') return branchesOf((def as z.core.$ZodOptionalDef).innerType);
  if (def.type === 'union') return (def as z.core.$ZodUnionDef).options.flatMap((option) => branchesOf(option));
  return [type];
}

function isObject(type: z.core.$ZodType): type is z.ZodObject {
  return type._zod.def.type === 'object';
}

function isArray(type: z.core.$ZodType): type is z.ZodArray {
  return type._zod.def.type === 'array';
}
