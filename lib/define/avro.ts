import type { AvroSchema } from '../topology/avro/avro-type';
import { type DefaultedField, defaultedField, recordType } from './avro-record';
import type { AvroJson, AvroType, ReadsOf, RecordType, ValueOf, WritesOf } from './avro-type';
import type { AvroRecord } from './sdk';

/** Builders of Avro types with TypeScript types. They are compatible by the rules of Avro's schema resolution. */
export const avro = {
  null: primitive<null, 'null'>('null'),
  boolean: primitive<boolean, 'boolean'>('boolean'),
  int: primitive<number, 'int'>('int'),
  /** A number. Values beyond 2^53 are bigints at run time; use `bigLong` if they may occur. */
  long: primitive<number, 'long', 'int' | 'long'>('long'),
  bigLong: primitive<number | bigint, 'long', 'int' | 'long'>('long'),
  float: primitive<number, 'float', 'int' | 'long' | 'float'>('float'),
  double: primitive<number, 'double', 'int' | 'long' | 'float' | 'double'>('double'),
  string: primitive<string, 'string', 'string' | 'bytes'>('string'),
  bytes: primitive<Buffer, 'bytes', 'string' | 'bytes'>('bytes'),
  array: arrayType,
  map: mapType,
  enum: enumType,
  fixed: fixedType,
  union: unionType,
  /** The type or null. */
  nullable: <T extends AvroType>(type: T): Nullable<T> => unionType(avro.null, type),
  record: recordType,
  /** A field with a default, which user code may omit. */
  withDefault: defaultedField,
  /** A field that may be omitted or null; null by default. */
  optional: <T extends AvroType>(type: T): DefaultedField<Nullable<T>> => ({
    type: unionType(avro.null, type),
    default: null,
  }),
  schema: schemaType,
};

type Nullable<T extends AvroType> = AvroType<ValueOf<T> | null, WritesOf<T> | 'null', ReadsOf<T> | 'null'>;

function primitive<Value, Writes extends string, Reads = Writes>(schema: Writes): AvroType<Value, Writes, Reads> {
  return { schema };
}

function arrayType<T extends AvroType>(
  items: T,
): AvroType<ValueOf<T>[], { array: { items: WritesOf<T> } }, { array: { items: ReadsOf<T> } }> {
  return { schema: { type: 'array', items: items.schema } };
}

function mapType<T extends AvroType>(
  values: T,
): AvroType<{ [key: string]: ValueOf<T> }, { map: { values: WritesOf<T> } }, { map: { values: ReadsOf<T> } }> {
  return { schema: { type: 'map', values: values.schema } };
}

type EnumReads<Symbols, Default> = undefined extends Default
  ? { enum: { symbol: Symbols } }
  : { enum: { symbol: string } };

/** Symbols must be literals. A reader replaces unknown symbols by the default, if there is one. */
function enumType<const S extends readonly string[], const D extends S[number] | undefined = undefined>(
  name: string,
  symbols: S & (number extends S['length'] ? never : unknown),
  options: { readonly namespace?: string; readonly default?: D } = {},
): AvroType<S[number], { enum: { symbol: S[number] } }, EnumReads<S[number], D>> {
  return { schema: { type: 'enum', name, ...options, symbols } };
}

/** A fixed number of bytes, which must be a literal. */
function fixedType<const N extends number>(
  name: string,
  size: N & (number extends N ? never : unknown),
  options: { readonly namespace?: string } = {},
): AvroType<Buffer, { fixed: { size: N } }, { fixed: { size: N } }> {
  return { schema: { type: 'fixed', name, ...options, size } };
}

/** One of several types. Its values are plain; docs/avro.md says which branch a value is written in. */
function unionType<T extends readonly AvroType[]>(
  ...types: T
): AvroType<ValueOf<T[number]>, WritesOf<T[number]>, ReadsOf<T[number]>> {
  const branches = types.flatMap(({ schema }): readonly AvroJson[] => (Array.isArray(schema) ? schema : [schema]));
  return { schema: branches };
}

/**
 * A record type given as Avro's JSON, for schemas that the builders cannot express. `Value` is not checked. TypeScript
 * accepts all edges of this type; they are checked when the document is created and read.
 */
function schemaType<Value = AvroRecord>(schema: AvroSchema): RecordType<Value, never, unknown> {
  return { schema };
}
