import { isPlainMap, type PlainMap } from '../../plain-map';
import { suggest } from '../problem/nearest-name';
import type { DocumentPath } from '../problem/problem';
import { showValue } from '../problem/show-value';
import { isAvroDefault } from './avro-default';
import { type AvroField, type AvroType, avroPrimitives, describeAvroType, isAvroPrimitive } from './avro-type';

const maxDepth = 64;
const complexKinds = ['record', 'enum', 'fixed', 'array', 'map'] as const;
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

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

/** Reads a schema's JSON into an `AvroType` and collects all its faults. */
export function readAvroType(json: unknown): { readonly type: AvroType; readonly faults: readonly AvroFault[] } {
  const reader = new AvroTypeReader();
  const type = reader.read(json, { path: [], field: '', namespace: '' });
  return { type, faults: reader.faults };
}

class AvroTypeReader {
  readonly faults: AvroFault[] = [];
  private readonly named = new Map<string, AvroType>();

  read(json: unknown, spot: Spot): AvroType {
    if (spot.path.length > maxDepth * 3) return this.fault(spot, `nested deeper than ${maxDepth} levels`);
    if (typeof json === 'string') return this.readName(json, spot);
    if (Array.isArray(json)) return this.readUnion(json, spot);
    if (!isPlainMap(json)) return this.fault(spot, `expected a type, got ${showValue([], json)}`);
    if (typeof json.type !== 'string') return this.fault(spot, notAType(json.type));
    switch (json.type) {
      case 'record':
      case 'error':
        return this.readRecord(json, spot);
      case 'enum':
        return this.readEnum(json, spot);
      case 'fixed':
        return this.readFixed(json, spot);
      case 'array':
        return { kind: 'array', items: this.read(json.items, inside(spot, 'items', '[]')) };
      case 'map':
        return { kind: 'map', values: this.read(json.values, inside(spot, 'values', '{}')) };
      default:
        return this.readName(json.type, inside(spot, 'type', ''));
    }
  }

  private readName(name: string, spot: Spot): AvroType {
    if (isAvroPrimitive(name)) return { kind: 'primitive', name };
    const known = this.named.get(fullName(name, spot.namespace)) ?? this.named.get(name);
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
    const { name, namespace } = this.define(json, spot, (full) => ({ kind: 'record', name: full, fields }));
    if (!Array.isArray(json.fields)) {
      return this.fault(spot, `the record ${name} needs "fields", a list; got ${showValue([], json.fields)}`);
    }
    const seen = new Set<string>();
    json.fields.forEach((json: unknown, index) => {
      const field = this.readField(json, { ...inside(inside(spot, 'fields', ''), index, ''), namespace });
      if (field === undefined) return;
      if (seen.has(field.name))
        this.fault(
          inField(inside(inside(spot, 'fields', ''), index, ''), field.name),
          'the record has this field twice',
        );
      seen.add(field.name);
      fields.push(field);
    });
    return this.named.get(name) ?? { kind: 'record', name, fields };
  }

  private readField(json: unknown, spot: Spot): AvroField | undefined {
    if (!isPlainMap(json) || typeof json.name !== 'string') {
      this.fault(spot, 'a field needs a "name"');
      return undefined;
    }
    const at = inField(spot, json.name);
    if (!namePattern.test(json.name)) this.fault(at, `the name "${json.name}" ${nameRule}`);
    const before = this.faults.length;
    const type = this.read(json.type, inside(at, 'type', ''));
    const aliases = Array.isArray(json.aliases) ? json.aliases.filter((alias) => typeof alias === 'string') : [];
    const hasDefault = json.default !== undefined;
    if (hasDefault && this.faults.length === before && !isAvroDefault(type, json.default)) {
      const expected = type.kind === 'union' ? (type.branches[0] ?? type) : type;
      const first = type.kind === 'union' ? ', the first type of the union' : '';
      const shown = JSON.stringify(json.default).slice(0, 60);
      this.fault(
        inside(at, 'default', ''),
        `the default ${shown} is not of type ${describeAvroType(expected)}${first}`,
      );
    }
    return { name: json.name, aliases, type, hasDefault };
  }

  private readEnum(json: PlainMap, spot: Spot): AvroType {
    const symbols = Array.isArray(json.symbols) ? json.symbols.filter((symbol) => typeof symbol === 'string') : [];
    const hasDefault = json.default !== undefined;
    const { name } = this.define(json, spot, (full) => ({ kind: 'enum', name: full, symbols, hasDefault }));
    if (symbols.length === 0) this.fault(spot, `the enum ${name} needs "symbols", a list of names`);
    const wrong = symbols.find((symbol) => !namePattern.test(symbol));
    if (wrong !== undefined) this.fault(spot, `the symbol "${wrong}" ${nameRule}`);
    if (new Set(symbols).size < symbols.length) this.fault(spot, `the enum ${name} has a symbol twice`);
    return { kind: 'enum', name, symbols, hasDefault };
  }

  private readFixed(json: PlainMap, spot: Spot): AvroType {
    const size = typeof json.size === 'number' && Number.isInteger(json.size) && json.size > 0 ? json.size : 0;
    const { name } = this.define(json, spot, (full) => ({ kind: 'fixed', name: full, size }));
    if (size === 0) this.fault(spot, `the fixed ${name} needs "size", a positive integer`);
    return { kind: 'fixed', name, size };
  }

  /** Registers a named type before its content is read, so that the type can refer to itself. */
  private define(
    json: PlainMap,
    spot: Spot,
    build: (fullName: string) => AvroType,
  ): { name: string; namespace: string } {
    const own = typeof json.namespace === 'string' ? json.namespace : spot.namespace;
    if (typeof json.name !== 'string') {
      this.fault(spot, `a ${String(json.type)} needs a "name"`);
      return { name: '', namespace: own };
    }
    const name = fullName(json.name, own);
    const wrong = name.split('.').find((part) => !namePattern.test(part));
    if (wrong !== undefined) this.fault(spot, `the name "${name}" ${nameRule}`);
    if (this.named.has(name))
      this.fault(spot, `the name "${name}" is defined twice; refer to the first definition by its name`);
    this.named.set(name, build(name));
    return { name, namespace: name.split('.').slice(0, -1).join('.') };
  }

  private fault({ path, field }: Spot, message: string): AvroType {
    this.faults.push({ path, field, message });
    return faulty;
  }
}

const nameRule = 'must consist of letters, digits and underscores, and must not begin with a digit';

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function notAType(type: unknown): string {
  if (type === undefined) return 'expected a type, but the key "type" is missing';
  return `expected a type, got a map whose "type" is ${showValue([], type)}; replace the map by the inner type`;
}

function inField(spot: Spot, name: string): Spot {
  return { ...spot, field: spot.field === '' ? name : `${spot.field}.${name}` };
}

function inside(spot: Spot, step: string | number, field: string): Spot {
  return { ...spot, path: [...spot.path, step], field: `${spot.field}${field}` };
}
