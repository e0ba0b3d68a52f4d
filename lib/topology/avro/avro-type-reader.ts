import { isPlainMap, type PlainMap } from '../../plain-map';
import { nearestName, suggest } from '../problem/nearest-name';
import type { DocumentPath } from '../problem/problem';
import { showValue } from '../problem/show-value';
import { isAvroDefault } from './avro-default';
import { fullNameOf, isAvroFullName, isAvroName, nameRule, namespaceOf } from './avro-names';
import {
  type AvroField,
  type AvroType,
  avroPrimitives,
  describeAvroType,
  innerTypes,
  isAvroPrimitive,
  type RecordType,
} from './avro-type';
import { parseExactJson, renderExactJson } from './exact-json';
import { readLogicalType } from './logical-type';

const maxDepth = 64;
const complexKinds = ['record', 'enum', 'fixed', 'array', 'map'] as const;
const orders = ['ascending', 'descending', 'ignore'] as const;

export interface AvroFault {
  /** Path of the fault in the schema's JSON. */
  readonly path: DocumentPath;
  /** The field with the fault, as in `address.zip`; empty for the schema as a whole. */
  readonly field: string;
  readonly message: string;
}

interface Spot {
  readonly path: DocumentPath;
  readonly field: string;
  readonly namespace: string;
}

const faulty: AvroType = { kind: 'primitive', name: 'null' };

/**
 * Reads a schema by the rules of Avro 1.12 into an `AvroType` and collects all its faults. A text that starts with `{` or
 * `[` is parsed as JSON, and throws SyntaxError if it is none.
 */
export function readAvroType(schema: unknown): { readonly type: AvroType; readonly faults: readonly AvroFault[] } {
  const json = typeof schema === 'string' && /^\s*[[{]/.test(schema) ? parseExactJson(schema) : schema;
  const reader = new AvroTypeReader();
  const type = reader.read(json, { path: [], field: '', namespace: '' });
  reader.checkDefaults();
  return { type, faults: reader.faults };
}

class AvroTypeReader {
  readonly faults: AvroFault[] = [];
  private readonly named = new Map<string, AvroType>();
  /** Defaults are checked last, because a type is complete only then. */
  private readonly defaults: { readonly type: AvroType; readonly json: unknown; readonly spot: Spot }[] = [];

  read(json: unknown, spot: Spot): AvroType {
    if (spot.path.length > maxDepth * 3) return this.fault(spot, `nested deeper than ${maxDepth} levels`);
    if (typeof json === 'string') return this.readName(json, spot);
    if (Array.isArray(json)) return this.readUnion(json, spot);
    if (!isPlainMap(json)) return this.fault(spot, notAType(json));
    if (typeof json.type !== 'string') return this.fault(spot, notANestedType(json.type));
    switch (json.type) {
      case 'record':
      case 'error':
        return this.readRecord(json, spot);
      case 'enum':
        return this.readEnum(json, spot);
      case 'fixed':
        return this.readFixed(json, spot);
      case 'array':
        return { kind: 'array', items: this.readInner(json, 'items', { spot, field: '[]' }) };
      case 'map':
        return { kind: 'map', values: this.readInner(json, 'values', { spot, field: '{}' }) };
      default:
        return this.readAnnotated(json.type, json, inside(spot, 'type', ''));
    }
  }

  /** Checks the default of each field whose type has no faults. */
  checkDefaults(): void {
    for (const { type, json, spot } of this.defaults) {
      if (isAvroDefault(type, json) || (this.faults.length > 0 && contains(type, faulty))) continue;
      const isNumber = typeof json === 'number';
      const shown = isNumber ? String(json) : renderExactJson(json).slice(0, 60);
      this.fault(spot, `the default ${shown} is not of type ${describeAvroType(type)}${defaultHint(type, json)}`);
    }
  }

  private readInner(json: PlainMap, key: 'items' | 'values', { spot, field }: { spot: Spot; field: string }): AvroType {
    if (json[key] === undefined) return this.fault(spot, `the ${String(json.type)} needs "${key}", a type`);
    return this.read(json[key], inside(spot, key, field));
  }

  private readAnnotated(name: string, json: PlainMap, spot: Spot): AvroType {
    const type = this.readName(name, spot);
    if (type.kind !== 'primitive') return type;
    const logical = readLogicalType(json, type.name);
    return logical === undefined ? type : { ...type, logical };
  }

  private readName(name: string, spot: Spot): AvroType {
    if (isAvroPrimitive(name)) return { kind: 'primitive', name };
    const known = this.named.get(fullNameOf(name, spot.namespace)) ?? this.named.get(name);
    if (known !== undefined) return known;
    const names = [...avroPrimitives, ...complexKinds, ...this.named.keys()];
    return this.fault(spot, `unknown type "${name}"${suggest(name, names, 0)}`);
  }

  private readUnion(branches: readonly unknown[], spot: Spot): AvroType {
    if (branches.length === 0) this.fault(spot, 'a union needs at least one type');
    const types = branches.map((branch, index) => this.read(branch, inside(spot, index, '')));
    const seen = new Set<string>();
    types.forEach((type, index) => {
      const at = inside(spot, index, '');
      if (type.kind === 'union') this.fault(at, 'a union must not directly contain a union');
      const key = type.kind === 'primitive' || 'name' in type ? type.name : type.kind;
      if (type !== faulty && seen.has(key)) this.fault(at, `the union contains ${key} twice`);
      seen.add(key);
    });
    return { kind: 'union', branches: types };
  }

  private readRecord(json: PlainMap, spot: Spot): AvroType {
    const fields: AvroField[] = [];
    const record: RecordType = { kind: 'record', name: this.nameOf(json, spot), fields };
    this.define(record, json, spot);
    if (!Array.isArray(json.fields)) {
      return this.fault(spot, `the record ${record.name} needs "fields", a list; got ${showValue([], json.fields)}`);
    }
    const seen = new Set<string>();
    json.fields.forEach((item: unknown, index) => {
      const at = { ...inside(inside(spot, 'fields', ''), index, ''), namespace: namespaceOf(record.name) };
      const field = this.readField(item, at);
      if (field === undefined) return;
      if (seen.has(field.name)) this.fault(inField(at, field.name), 'the record has this field twice');
      seen.add(field.name);
      fields.push(field);
    });
    return record;
  }

  private readField(json: unknown, spot: Spot): AvroField | undefined {
    if (!isPlainMap(json) || typeof json.name !== 'string') {
      this.fault(spot, 'a field needs a "name"');
      return undefined;
    }
    const at = inField(spot, json.name);
    if (!isAvroName(json.name)) this.fault(at, `the name "${json.name}" ${nameRule}`);
    if (json.type === undefined) this.fault(at, 'the field needs a "type"');
    const type = json.type === undefined ? faulty : this.read(json.type, inside(at, 'type', ''));
    const aliases = this.readAliases(json, at, isAvroName);
    if (json.order !== undefined && !(orders as readonly unknown[]).includes(json.order)) {
      const near = typeof json.order === 'string' ? nearestName(json.order, orders) : undefined;
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      const got = showValue([], json.order);
      this.fault(inside(at, 'order', ''), `the order must be ascending, descending or ignore, got ${got}${hint}`);
    }
    if (!Object.hasOwn(json, 'default') || json.default === undefined) return { name: json.name, aliases, type };
    this.defaults.push({ type, json: json.default, spot: inside(at, 'default', '') });
    return { name: json.name, aliases, type, default: { json: json.default } };
  }

  private readEnum(json: PlainMap, spot: Spot): AvroType {
    const name = this.nameOf(json, spot);
    const written: readonly unknown[] = Array.isArray(json.symbols) ? json.symbols : [];
    const symbols = written.filter((symbol) => typeof symbol === 'string');
    const type: AvroType = {
      kind: 'enum',
      name,
      symbols,
      ...(typeof json.default === 'string' ? { default: json.default } : {}),
    };
    this.define(type, json, spot);
    if (written.length === 0) this.fault(spot, `the enum ${name} needs "symbols", a list of names`);
    const seen = new Set<unknown>();
    written.forEach((symbol, index) => {
      const at = inside(inside(spot, 'symbols', ''), index, '');
      if (typeof symbol !== 'string')
        this.fault(at, `the enum ${name} has the symbol ${shown(symbol)}; ${quoted(symbol)}`);
      else if (!isAvroName(symbol)) this.fault(at, `the symbol "${symbol}" ${nameRule}`);
      else if (seen.has(symbol)) this.fault(at, `the enum ${name} has the symbol "${symbol}" twice`);
      seen.add(symbol);
    });
    if (json.default !== undefined && !symbols.includes(json.default as string)) {
      const got = shown(json.default);
      this.fault(inside(spot, 'default', ''), `the default ${got} of the enum ${name} is not one of its symbols`);
    }
    return type;
  }

  private readFixed(json: PlainMap, spot: Spot): AvroType {
    const isSize = typeof json.size === 'number' && Number.isSafeInteger(json.size) && json.size >= 0;
    const size = isSize ? (json.size as number) : 0;
    const name = this.nameOf(json, spot);
    const logical = readLogicalType(json, 'fixed', size);
    const type: AvroType = { kind: 'fixed', name, size, ...(logical === undefined ? {} : { logical }) };
    this.define(type, json, spot);
    if (!isSize) this.fault(spot, `the fixed ${name} needs "size", a number of bytes; got ${showValue([], json.size)}`);
    return type;
  }

  private nameOf(json: PlainMap, spot: Spot): string {
    return typeof json.name === 'string'
      ? fullNameOf(json.name, typeof json.namespace === 'string' ? json.namespace : spot.namespace)
      : '';
  }

  /** Registers a named type before its content is read, so that the type can refer to itself. */
  private define(type: AvroType & { readonly name: string }, json: PlainMap, spot: Spot): void {
    const { name } = type;
    if (typeof json.name !== 'string') {
      this.fault(spot, `a ${String(json.type)} needs a "name"`);
      return;
    }
    if (json.namespace !== undefined && typeof json.namespace !== 'string') {
      this.fault(inside(spot, 'namespace', ''), `the namespace must be text, got ${showValue([], json.namespace)}`);
    }
    if (!isAvroFullName(name)) this.fault(spot, `the name "${name}" ${nameRule}`);
    if (isAvroPrimitive(name)) this.fault(spot, `the name "${name}" is that of a primitive type; choose another`);
    if (this.named.has(name))
      this.fault(spot, `the name "${name}" is defined twice; refer to the first definition by its name`);
    else this.named.set(name, type);
    this.readAliases(json, spot, isAvroFullName);
  }

  private readAliases(json: PlainMap, spot: Spot, isValid: (name: string) => boolean): readonly string[] {
    if (json.aliases === undefined) return [];
    const at = inside(spot, 'aliases', '');
    if (!Array.isArray(json.aliases)) {
      this.fault(at, `the aliases must be a list of names, got ${showValue([], json.aliases)}`);
      return [];
    }
    json.aliases.forEach((alias: unknown, index) => {
      if (typeof alias !== 'string')
        this.fault(inside(at, index, ''), `the aliases must be names, got ${shown(alias)}`);
      else if (!isValid(alias)) this.fault(inside(at, index, ''), `the alias "${alias}" ${nameRule}`);
    });
    return json.aliases.filter((alias) => typeof alias === 'string');
  }

  private fault({ path, field }: Spot, message: string): AvroType {
    this.faults.push({ path, field, message });
    return faulty;
  }
}

function contains(type: AvroType, part: AvroType, seen = new Set<AvroType>()): boolean {
  if (type === part) return true;
  if (seen.has(type)) return false;
  seen.add(type);
  return innerTypes(type).some((inner) => contains(inner, part, seen));
}

function notAType(json: unknown): string {
  if (json === null) return 'expected a type, got nothing; write "null", in quotes, for the type null';
  return `expected a type, got ${showValue([], json)}`;
}

function notANestedType(type: unknown): string {
  if (type === undefined) return 'expected a type, but the key "type" is missing';
  if (type === null) return notAType(null);
  return `expected a type, got a map whose "type" is ${showValue([], type)}; replace the map by the inner type`;
}

/** A value of YAML or JSON where text belongs: `true`, `1`, `null`. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : value === null ? 'null' : showValue([], value);
}

function quoted(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'symbols are names' : `write it in quotes: "${String(value)}"`;
}

function defaultHint(type: AvroType, json: unknown): string {
  const branches = type.kind === 'union' ? type.branches : [type];
  const takesText = branches.some(({ kind, ...rest }) => kind === 'enum' || ('name' in rest && rest.name === 'string'));
  const isScalar = ['number', 'bigint', 'boolean'].includes(typeof json);
  if (takesText && isScalar) return `; write it in quotes: "${String(json)}"`;
  return typeof json === 'number' && !Number.isFinite(json) ? '; JSON has no such number' : '';
}

function inField(spot: Spot, name: string): Spot {
  return { ...spot, field: spot.field === '' ? name : `${spot.field}.${name}` };
}

function inside(spot: Spot, step: string | number, field: string): Spot {
  return { ...spot, path: [...spot.path, step], field: `${spot.field}${field}` };
}
