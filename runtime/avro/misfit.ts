import { type AvroType, describeAvroType, type UnionType } from '../../lib/topology/avro/avro-type';
import { maxEmptyItems, maxNesting } from './limits';
import { logicalOf } from './logical-value';
import { Shape, shapeOf } from './value-shape';

/** The first value of a record that does not fit. */
export interface Fault {
  readonly value: unknown;
  readonly type: AvroType;
  readonly reason?:
    | 'too deep'
    | 'too many empty items'
    | 'missing'
    /** The value is the name of a field that the record's type lacks. */
    | 'unknown field'
    /** The value is a key of a map. */
    | 'key'
    /** What each branch of a union says about an object. */
    | { readonly branches: readonly { readonly branch: AvroType; readonly fault: Fault }[] };
  /** From the inside out: `.field`, `[2]` or `["key"]`. */
  readonly steps: string[];
}

const maxPath = 200;

/** A fault as a message: `items[2].price: expected double, got string "x"`. */
export function describeFault(fault: Fault): string {
  const path = pathOf(fault.steps);
  const problem = problemOf(fault);
  return path === '' ? problem : `${path}: ${problem}`;
}

function pathOf(steps: readonly string[]): string {
  const path = [...steps].reverse().join('').replace(/^\./, '');
  return path.length <= maxPath ? path : `${path.slice(0, maxPath / 2)}...${path.slice(-maxPath / 2)}`;
}

function problemOf({ value, type, reason }: Fault): string {
  if (reason === 'too deep') return `nested deeper than ${maxNesting} records`;
  if (reason === 'too many empty items') return `more than ${maxEmptyItems} items without bytes`;
  if (reason === 'missing') return `missing, and the schema has no default${acceptsNull(type) ? '; write null' : ''}`;
  if (reason === 'unknown field') return `not a field of the ${describeAvroType(type)}`;
  if (reason === 'key') {
    const cause = typeof value === 'string' ? `; ${halfCharacter}` : '';
    return `expected texts as keys of the map, got the key ${describeValue(value)}${cause}`;
  }
  const expected = `expected ${describeAvroType(type)}, got ${describeValue(value)}`;
  if (reason === undefined || (type.kind === 'union' && isWrapped(type, value)))
    return `${expected}${hint(type, value)}`;
  const branches = reason.branches
    .slice(0, 3)
    .map(({ branch, fault }) => `it is no ${describeAvroType(branch)}: ${describeFault(fault)}`);
  return `${expected}; ${branches.join('; ')}`;
}

function acceptsNull(type: AvroType): boolean {
  const branches = type.kind === 'union' ? type.branches : [type];
  return branches.some((branch) => branch.kind === 'primitive' && branch.name === 'null');
}

/** A value in a few words: its kind, and the beginning of what it holds. Runs no code of the value, except for a proxy's. */
function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'object':
      if (value === null) return 'null';
      try {
        return describeObject(value);
      } catch {
        return 'an object whose code throws'; // a proxy
      }
    case 'string':
      return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`;
    case 'number':
      return `number ${Object.is(value, -0) ? '-0' : value}`;
    case 'bigint':
      return `bigint ${cut(String(value), 40)}`;
    case 'boolean':
      return `boolean ${value}`;
    case 'undefined':
      return 'undefined';
    default:
      return `a ${typeof value}`;
  }
}

function describeObject(value: object): string {
  const shape = shapeOf(value);
  if (shape === Shape.array) return 'an array';
  if (shape === Shape.date) return Number.isNaN(Date.prototype.getTime.call(value)) ? 'an invalid Date' : 'a Date';
  if (shape === Shape.decimal) return cut(`Decimal ${value}`, 60);
  if (shape === Shape.bytes) return `${classOf(value)} of ${(value as ArrayBufferView).byteLength} bytes`;
  if (shape !== Shape.plain) return `${/^[AEIOU]/.test(classOf(value)) ? 'an' : 'a'} ${classOf(value)}`;
  const keys = Object.keys(value);
  const more = keys.length > 8 ? ', ...' : '';
  return keys.length === 0
    ? 'an empty object'
    : `an object with ${keys
        .slice(0, 8)
        .map((key) => cut(key, 40))
        .join(', ')}${more}`;
}

/** The name of an object's class, found without running its code. */
function classOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const found =
    typeof prototype === 'object' && prototype !== null
      ? Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
      : undefined;
  const name: unknown = typeof found === 'function' ? Object.getOwnPropertyDescriptor(found, 'name')?.value : undefined;
  return typeof name === 'string' && name !== '' ? cut(name, 40) : 'object of a class';
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}

/** What to do about a value that does not fit, after a semicolon; empty where the kinds say enough. */
function hint(type: AvroType, value: unknown): string {
  const branches = type.kind === 'union' ? type.branches : [type];
  const remedy = remedyOf(branches, value) ?? (type.kind === 'union' ? unwrapped(type, value) : undefined);
  return remedy === undefined ? '' : `; ${remedy}`;
}

function remedyOf(branches: readonly AvroType[], value: unknown): string | undefined {
  const takes = (...names: string[]) =>
    branches.some((branch) => names.includes(branch.kind === 'primitive' ? branch.name : branch.kind));
  const isDigits = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string';
  if (isDigits && branches.some((branch) => logicalOf(branch)?.name === 'decimal')) return 'use Decimal.of(value)';
  switch (typeof value) {
    case 'number':
      return numberRemedy(takes, value);
    case 'bigint':
      if (takes('long')) return 'it does not fit in 64 bits';
      if (takes('int')) return 'it does not fit in 32 bits';
      return takes('float', 'double') ? 'the type cannot hold it exactly; use Number(value) to round it' : undefined;
    case 'string':
      return textRemedy(branches, takes);
    case 'object':
      return value === null ? undefined : objectRemedy(branches, takes, value);
    default:
      return undefined;
  }
}

type Takes = (...names: string[]) => boolean;

const halfCharacter =
  'the text has half a character (a lone surrogate); cut it between characters, or use toWellFormed()';

function numberRemedy(takes: Takes, value: number): string | undefined {
  if (Number.isInteger(value) && takes('long')) return 'it is beyond 2^53, where numbers are not exact; use a bigint';
  if (Number.isInteger(value) && takes('int')) return 'it does not fit in 32 bits';
  if (Number.isFinite(value) && takes('float')) return 'it is beyond the range of a float; use double';
  return takes('string') ? 'use String(value)' : undefined;
}

function textRemedy(branches: readonly AvroType[], takes: Takes): string | undefined {
  if (takes('string')) return halfCharacter;
  const found = branches.find((branch) => branch.kind === 'enum');
  if (found?.kind === 'enum') return `its symbols are ${cut(found.symbols.join(', '), 120)}`;
  if (takes('bytes', 'fixed')) return 'use Buffer.from(text)';
  if (takes('long')) return 'use Number(text) or BigInt(text)';
  return takes('int', 'float', 'double') ? 'use Number(text)' : undefined;
}

function objectRemedy(branches: readonly AvroType[], takes: Takes, value: object): string | undefined {
  const shape = shapeOf(value);
  if (shape === Shape.date) return dateRemedy(branches, takes, value as Date);
  if (shape === Shape.decimal) return decimalRemedy(branches, takes);
  if (shape === Shape.duration) {
    return takes('fixed') ? 'declare {"type": "fixed", "size": 12, "logicalType": "duration", ...}' : undefined;
  }
  if (shape === Shape.bytes) {
    if (takes('string')) return 'use buffer.toString()';
    return takes('array') ? 'use Array.from(bytes)' : undefined;
  }
  const tag = Object.prototype.toString.call(value);
  if (tag === '[object Promise]') return 'await it';
  if (tag === '[object ArrayBuffer]' && takes('bytes', 'fixed')) return 'use new Uint8Array(buffer)';
  if ((tag === '[object Set]' || ArrayBuffer.isView(value)) && takes('array')) return 'use Array.from(value)';
  if (shape === Shape.map && takes('record')) return 'use Object.fromEntries(map)';
  if (shape === Shape.instance && takes('map')) return 'use a plain object or a Map';
  return shape === Shape.instance && takes('string') ? 'use String(value)' : undefined;
}

const timestamps = 'declare {"type": "long", "logicalType": "timestamp-millis"} to write a Date';

function dateRemedy(branches: readonly AvroType[], takes: Takes, value: Date): string | undefined {
  if (Number.isNaN(Date.prototype.getTime.call(value))) return undefined;
  const logical = branches.flatMap((branch) => logicalOf(branch)?.name ?? []);
  if (logical.includes('date')) return 'a date takes midnight in UTC, as of new Date("2026-11-29")';
  const [local] = logical.filter((name) => name.startsWith('local-'));
  if (local !== undefined) return `a Date is an instant, not a ${local}; use its number`;
  if (logical.some((name) => name.startsWith('timestamp-'))) return 'nanoseconds hold the years 1677 to 2262';
  if (takes('long')) return `use value.getTime(), or ${timestamps}`;
  if (takes('string')) return 'use value.toISOString()';
  return takes('double', 'float') ? 'use value.getTime()' : timestamps;
}

function decimalRemedy(branches: readonly AvroType[], takes: Takes): string | undefined {
  const logical = branches.map(logicalOf).find((each) => each?.name === 'decimal');
  if (logical?.name === 'decimal') return `it has more than ${logical.precision} digits, or ${logical.scale} decimals`;
  if (takes('string')) return 'use String(value)';
  if (takes('double', 'float')) return 'use Number(value), which rounds';
  return takes('bytes')
    ? 'declare {"type": "bytes", "logicalType": "decimal", "precision": ..., "scale": ...}'
    : undefined;
}

/** Whether an object that fits no branch is a value inside the name of its branch. */
export function isWrapped(union: UnionType, value: unknown): boolean {
  return unwrapped(union, value) !== undefined;
}

/** Other libraries write a value of a union as `{"double": 1.5}`. */
function unwrapped({ branches }: UnionType, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || shapeOf(value) !== Shape.plain) return undefined;
  const [key, ...others] = Object.keys(value);
  const isField = branches.some((branch) => branch.kind === 'record' && branch.fields.some(({ name }) => name === key));
  if (key === undefined || others.length > 0 || isField) return undefined;
  const isName = branches.some((branch) => {
    const name = branch.kind === 'primitive' || 'name' in branch ? branch.name : branch.kind;
    return name === key || name.endsWith(`.${key}`);
  });
  return isName ? `a union takes the plain value, not one inside {"${key}": ...}` : undefined;
}
