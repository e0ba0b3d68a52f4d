import { isPlainMap, type PlainMap } from '../plain-map';
import { renderExactJson } from '../topology/avro/exact-json';
import type { AvroJson } from './avro-type';

/**
 * The schema with each named type (record, enum, fixed) defined at its first use and referred to by name afterwards.
 * Different types with the same name are kept; the check of the schema reports them.
 */
export function defineNamesOnce(schema: AvroJson): AvroJson {
  return once(schema, { namespace: '', known: new Map() }) as AvroJson;
}

interface Place {
  readonly namespace: string;
  /** Outlines of the types that are already defined, by full name. */
  readonly known: Map<string, string>;
}

function once(json: unknown, place: Place): unknown {
  if (!isPlainMap(json) || !isNamed(json)) return inside(json, (inner) => once(inner, place));
  const name = fullName(json, place.namespace);
  const outline = renderExactJson(outlineOf(json, place.namespace));
  if (place.known.get(name) === outline) return name;
  if (!place.known.has(name)) place.known.set(name, outline);
  const namespace = namespaceOf(name);
  return inside(json, (inner) => once(inner, { ...place, namespace }));
}

/** The type with all named types inside it replaced by their names. */
function outlineOf(json: PlainMap, outer: string): unknown {
  const namespace = namespaceOf(fullName(json, outer));
  const shorten = (inner: unknown): unknown => {
    if (isPlainMap(inner) && isNamed(inner)) return fullName(inner, namespace);
    return inside(inner, shorten);
  };
  return inside({ ...json, namespace }, shorten);
}

/** The same JSON with `change` applied to every type directly inside it. */
function inside(json: unknown, change: (type: unknown) => unknown): unknown {
  if (Array.isArray(json)) return json.map(change);
  if (!isPlainMap(json)) return json;
  if (json.type === 'array') return { ...json, items: change(json.items) };
  if (json.type === 'map') return { ...json, values: change(json.values) };
  if (!Array.isArray(json.fields)) return json;
  return { ...json, fields: json.fields.map((field: PlainMap) => ({ ...field, type: change(field.type) })) };
}

function isNamed(json: PlainMap): boolean {
  return json.type === 'record' || json.type === 'enum' || json.type === 'fixed';
}

function fullName(json: PlainMap, outer: string): string {
  const name = String(json.name);
  const namespace = typeof json.namespace === 'string' ? json.namespace : outer;
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function namespaceOf(name: string): string {
  return name.split('.').slice(0, -1).join('.');
}
