import { ConfigError } from '../errors';
import { isPlainMap } from '../plain-map';
import type { AvroSchema } from '../topology/avro/avro-type';
import { type DefaultedField, defaultedField, recordType } from './avro-record';
import type { AvroJson, AvroType, ReadsOf, RecordType, ValueOf, WritesOf } from './avro-type';
import type { AvroRecord } from './sdk';

/** Builders of Avro types that carry TypeScript types; what fits what is decided as Avro's schema resolution does. */
export const avro = {
  null: primitive<null, 'null'>('null'),
  boolean: primitive<boolean, 'boolean'>('boolean'),
  int: primitive<number, 'int'>('int'),
  /** A number; one beyond 2^53 comes as a bigint all the same, so take `bigLong` where there may be such. */
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
  /** A field that user code may leave out, and that readers fill in where the writer has none. */
  withDefault: defaultedField,
  /** A field that may be left out or null: null by default. */
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

/** The symbols as literals. With a default, a reader takes it for symbols it does not know. */
function enumType<const S extends readonly string[], const D extends S[number] | undefined = undefined>(
  name: string,
  symbols: S & (number extends S['length'] ? never : unknown),
  options: { readonly namespace?: string; readonly default?: D } = {},
): AvroType<S[number], { enum: { symbol: S[number] } }, EnumReads<S[number], D>> {
  return { schema: { type: 'enum', name, ...options, symbols } };
}

/** So many bytes, as a literal number. */
function fixedType<const N extends number>(
  name: string,
  size: N & (number extends N ? never : unknown),
  options: { readonly namespace?: string } = {},
): AvroType<Buffer, { fixed: { size: N } }, { fixed: { size: N } }> {
  return { schema: { type: 'fixed', name, ...options, size } };
}

/**
 * One of several types. Throws ConfigError when values of two branches look the same in JavaScript (int and long,
 * string and enum, map and record): such unions have wrapped values; `avro.schema` takes them.
 */
function unionType<T extends readonly AvroType[]>(
  ...types: T
): AvroType<ValueOf<T[number]>, WritesOf<T[number]>, ReadsOf<T[number]>> {
  const branches = types.flatMap(({ schema }): readonly AvroJson[] => (Array.isArray(schema) ? schema : [schema]));
  const seen = new Map<string, string>();
  for (const branch of branches) {
    const name = nameOf(branch);
    const look = looks[name] ?? name;
    const other = seen.get(look);
    if (other !== undefined) {
      const message = `a union of ${other} and ${name} has values that look the same; describe it with avro.schema`;
      throw new ConfigError('schema-invalid', message);
    }
    seen.set(look, name);
  }
  return { schema: branches };
}

/** Types whose values are the same kind of thing in JavaScript. */
const looks: { readonly [type: string]: string } = {
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'text',
  enum: 'text',
  bytes: 'buffer',
  fixed: 'buffer',
  record: 'object',
  map: 'object',
};

function nameOf(branch: AvroJson): string {
  return isPlainMap(branch) ? String(branch.type) : String(branch);
}

/**
 * A record type given as Avro's JSON, for what the builders cannot say; `Value` is taken on trust. TypeScript lets all
 * its edges pass: they are checked when the document is made and read.
 */
function schemaType<Value = AvroRecord>(schema: AvroSchema): RecordType<Value, never, unknown> {
  return { schema };
}
