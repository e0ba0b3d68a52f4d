import type { AvroSchema } from '../topology/avro/avro-type';
import type { AvroType, PartOf, RecordType, ValueOf } from './avro-type';
import { defineNamesOnce } from './define-names-once';

/** A field with a default, which user code may omit and readers fill in if the writer has no such field. */
export interface DefaultedField<T extends AvroType = AvroType> {
  readonly type: T;
  /** In Avro's JSON form, with bigints beyond 2^53. */
  readonly default: unknown;
}

export type RecordFields = { readonly [name: string]: AvroType | DefaultedField };

type DefaultedNames<F extends RecordFields> = { [K in keyof F]: F[K] extends DefaultedField ? K : never }[keyof F];
type TypeOf<Field> = Field extends DefaultedField<infer T> ? T : Field extends AvroType ? Field : never;

/** `Part` of the type of each field; fields with a default are optional. */
type FieldMap<F extends RecordFields, Part extends 'value' | 'writes' | 'reads'> = {
  -readonly [K in Exclude<keyof F, DefaultedNames<F>>]: PartOf<TypeOf<F[K]>, Part>;
} & { -readonly [K in DefaultedNames<F>]?: PartOf<TypeOf<F[K]>, Part> };

// `extends infer` makes the compiler show the resulting type in its messages instead of the names of these types

export type RecordValue<F extends RecordFields> =
  FieldMap<F, 'value'> extends infer T ? { [K in keyof T]: T[K] } : never;

/** Nested under `record`, so that TypeScript does not take a field for the discriminant of a union. */
export type RecordWrites<F extends RecordFields> =
  FieldMap<F, 'writes'> extends infer T ? { record: { [K in keyof T]-?: T[K] } } : never;

/** Allows other fields, which also keeps a record with only defaults from being a weak type. */
export type RecordReads<F extends RecordFields> = FieldMap<F, 'reads'> & { [field: string]: unknown } extends infer T
  ? { record: { [K in keyof T]: T[K] } }
  : never;

/** A record type. A named type that is used several times is defined at its first use, as Avro requires. */
export function recordType<const F extends RecordFields>(
  name: string,
  fields: F,
  { namespace }: { readonly namespace?: string } = {},
): RecordType<RecordValue<F>, RecordWrites<F>, RecordReads<F>> {
  const schema: AvroSchema = {
    type: 'record',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    fields: Object.entries(fields).map(([field, type]) =>
      'default' in type
        ? { name: field, type: type.type.schema, default: type.default }
        : { name: field, type: type.schema },
    ),
  };
  return { schema: defineNamesOnce(schema) as AvroSchema };
}

/** A field with a default, converted to Avro's JSON form, in which bytes are text with one character per byte. Longs beyond 2^53 are bigints. */
export function defaultedField<T extends AvroType>(type: T, value: ValueOf<T>): DefaultedField<T> {
  return { type, default: jsonOf(value) };
}

function jsonOf(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOf(inner)]));
}
