/** An Avro schema as JSON. */
export type AvroSchema = { readonly type: string; readonly [key: string]: unknown };

/** A schema as it travels in documents, specs and messages: JSON, or its text if `JSON.parse` would round one of its longs. */
export type WrittenSchema = AvroSchema | string;

/** An Avro schema with resolved names: a reference to a record is the record itself, so the graph may have cycles. */
export type AvroType = PrimitiveType | RecordType | EnumType | FixedType | ArrayType | MapType | UnionType;

interface PrimitiveType {
  readonly kind: 'primitive';
  readonly name: AvroPrimitive;
  readonly logical?: LogicalType;
}

export interface RecordType {
  readonly kind: 'record';
  /** With the namespace, as for every named type. */
  readonly name: string;
  readonly fields: readonly AvroField[];
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string;
  readonly symbols: readonly string[];
  /** What a reader takes for symbols that it lacks. */
  readonly default?: string;
}

export interface FixedType {
  readonly kind: 'fixed';
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly logical?: LogicalType;
}

interface ArrayType {
  readonly kind: 'array';
  readonly items: AvroType;
}

interface MapType {
  readonly kind: 'map';
  readonly values: AvroType;
}

export interface UnionType {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
}

/** A valid logical type of Avro 1.12. */
export type LogicalType =
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly name: LogicalName };

type LogicalName =
  | 'big-decimal'
  | 'uuid'
  | 'date'
  | 'duration'
  | `time-${'millis' | 'micros'}`
  | `${'' | 'local-'}timestamp-${'millis' | 'micros' | 'nanos'}`;

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
  /** JSON of the default, with bigints for integers beyond 2^53. Absent if the field has no default. */
  readonly default?: { readonly json: unknown };
}

export const avroPrimitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type AvroPrimitive = (typeof avroPrimitives)[number];

export function isAvroPrimitive(name: unknown): name is AvroPrimitive {
  return (avroPrimitives as readonly unknown[]).includes(name);
}

/** The types directly inside a type. */
export function innerTypes(type: AvroType): readonly AvroType[] {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type);
    case 'array':
      return [type.items];
    case 'map':
      return [type.values];
    case 'union':
      return type.branches;
    default:
      return [];
  }
}

/** A type in a few words, as messages name it: `string`, `array of long`, `null or string`, `record address`. */
export function describeAvroType(type: AvroType): string {
  switch (type.kind) {
    case 'primitive':
      return withLogical(type.name, type.logical);
    case 'array':
      return `array of ${nameOf(type.items)}`;
    case 'map':
      return `map of ${nameOf(type.values)}`;
    case 'union':
      return type.branches.length === 0 ? 'an empty union' : type.branches.map(nameOf).join(' or ');
    case 'fixed':
      return withLogical(`fixed of ${type.size} bytes`, type.logical);
    case 'record':
    case 'enum':
      return `${type.kind} ${type.name}`;
  }
}

function withLogical(name: string, logical: LogicalType | undefined): string {
  if (logical === undefined) return name;
  return logical.name === 'decimal'
    ? `${name} (decimal ${logical.precision}, ${logical.scale})`
    : `${name} (${logical.name})`;
}

/** The name of a type without its content, because types may contain themselves. */
function nameOf(type: AvroType): string {
  if (type.kind === 'primitive') return withLogical(type.name, type.logical);
  return type.kind === 'record' || type.kind === 'enum' || type.kind === 'fixed'
    ? `${type.kind} ${type.name}`
    : type.kind;
}
