import type { AvroSchema } from '../topology/avro/avro-type';

/** Carries types on values that do not contain them. */
declare const carried: unique symbol;

/** The JSON form of any Avro type: a name, an object, or a union as an array. */
export type AvroJson = string | AvroSchema | readonly AvroJson[];

/**
 * An Avro type that TypeScript knows. `Value` is the type in user code. `Writes` describes the data that a writer
 * produces and `Reads` the data that a reader accepts: an edge fits if and only if `Writes` extends `Reads`.
 */
export interface AvroType<Value = unknown, Writes = unknown, Reads = unknown> {
  readonly schema: AvroJson;
  readonly [carried]?: { readonly value: Value; readonly writes: Writes; readonly reads: Reads };
}

/** A record, the type of data between functions. */
export interface RecordType<Value = unknown, Writes = unknown, Reads = unknown> extends AvroType<Value, Writes, Reads> {
  readonly schema: AvroSchema;
}

export type PartOf<T extends AvroType, Part extends 'value' | 'writes' | 'reads'> = NonNullable<
  T[typeof carried]
>[Part];

export type ValueOf<T extends AvroType> = PartOf<T, 'value'>;
export type WritesOf<T extends AvroType> = PartOf<T, 'writes'>;
export type ReadsOf<T extends AvroType> = PartOf<T, 'reads'>;

type Scalar = string | number | bigint | boolean | null | undefined | Buffer;

/** A value as readers receive it: fields that a writer may omit are present. */
export type AsWritten<Value> = Value extends Scalar
  ? Value
  : Value extends readonly (infer Item)[]
    ? AsWritten<Item>[]
    : { [Key in keyof Value]-?: AsWritten<Value[Key]> };
