import { z } from 'zod';
import { controllerSettingsSchema } from './settings-schema';

const prefix = 'KFLOW_CONTROLLER_';

/** One setting: a leaf of the schema. */
export interface Setting {
  /** As in the file: `temporal.taskQueue`. */
  readonly path: string;
  /** Its variable in the environment: `KFLOW_CONTROLLER_TEMPORAL_TASK_QUEUE`. */
  readonly variable: string;
  /** `map` can be given in a file only. */
  readonly type: 'text' | 'number' | 'list' | 'map';
  /** Text that are allowed, when they are few. */
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

/** Every setting in the order of the schema; what differs by `kind` stands in it once. */
export const settingTable: readonly Setting[] = leaves(
  z.toJSONSchema(controllerSettingsSchema, { io: 'input' }) as Schema,
  [],
);

/** Names that may stand in the object at a path: `''` is the whole file. */
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
    variable: `${prefix}${words.join('_')}`,
    type: typeOf(schema),
    oneOf: schema.const === undefined ? (schema.enum ?? []) : [schema.const],
    ...(schema.default === undefined ? {} : { default: schema.default }),
    description: schema.description ?? '',
  };
}

function typeOf({ type }: Schema): Setting['type'] {
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'array') return 'list';
  return type === 'object' ? 'map' : 'text';
}

/** Variants of an object share their `kind`: one setting with the values of all. */
function mergeVariants(settings: readonly Setting[]): Setting[] {
  const merged = new Map<string, Setting>();
  for (const setting of settings) {
    const before = merged.get(setting.path);
    if (before === undefined) merged.set(setting.path, setting);
    else merged.set(setting.path, { ...before, oneOf: [...before.oneOf, ...setting.oneOf] });
  }
  return [...merged.values()];
}
