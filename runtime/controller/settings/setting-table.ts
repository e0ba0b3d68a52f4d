import { z } from 'zod';
import { controllerSettingsSchema } from './settings-schema';

/** Every environment variable with this prefix must be a setting. */
export const settingPrefix = 'KFLOW_CONTROLLER_';

/** A single setting: a leaf of the schema. */
export interface Setting {
  /** Path in the file: `temporal.taskQueue`. */
  readonly path: string;
  /** Environment variable: `KFLOW_CONTROLLER_TEMPORAL_TASK_QUEUE`. */
  readonly variable: string;
  /** A `map` can be set in a file only. */
  readonly type: 'text' | 'number' | 'flag' | 'list' | 'map';
  /** The allowed values of an enumeration, else empty. */
  readonly oneOf: readonly string[];
  readonly default?: unknown;
  readonly description: string;
}

interface Schema {
  readonly type?: string;
  readonly properties?: { readonly [key: string]: Schema };
  readonly oneOf?: readonly Schema[];
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
}

/** Every setting in the order of the schema. A setting that several kinds share appears once. */
export const settingTable: readonly Setting[] = leaves(
  z.toJSONSchema(controllerSettingsSchema, { io: 'input' }) as Schema,
  [],
);

/** The valid keys at a path; `''` is the top level. */
export function knownNames(path: string): readonly string[] {
  const start = path === '' ? '' : `${path}.`;
  const below = settingTable.filter((setting) => setting.path.startsWith(start));
  return [...new Set(below.map((setting) => setting.path.slice(start.length).split('.')[0] ?? ''))];
}

function leaves(schema: Schema, path: readonly string[]): Setting[] {
  const variants = schema.oneOf ?? [schema];
  if (schema.oneOf === undefined && schema.properties === undefined) return [settingOf(schema, path)];
  const found = variants.flatMap((variant) =>
    Object.entries(variant.properties ?? {}).flatMap(([key, child]) => leaves(child, [...path, key])),
  );
  return mergeVariants(found);
}

function settingOf(schema: Schema, path: readonly string[]): Setting {
  const words = path.map((key) => key.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase());
  return {
    path: path.join('.'),
    variable: `${settingPrefix}${words.join('_')}`,
    type: typeOf(schema),
    oneOf: schema.const === undefined ? (schema.enum ?? []) : [schema.const],
    ...(schema.default === undefined ? {} : { default: schema.default }),
    description: schema.description ?? '',
  };
}

function typeOf({ type }: Schema): Setting['type'] {
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'flag';
  if (type === 'array') return 'list';
  return type === 'object' ? 'map' : 'text';
}

/** Merges the variants of a union: their shared setting `kind` allows the values of all variants. */
function mergeVariants(settings: readonly Setting[]): Setting[] {
  const merged = new Map<string, Setting>();
  for (const setting of settings) {
    const before = merged.get(setting.path);
    if (before === undefined) merged.set(setting.path, setting);
    else merged.set(setting.path, { ...before, oneOf: [...before.oneOf, ...setting.oneOf] });
  }
  return [...merged.values()];
}
