import type { AvroSchema } from '../topology/avro/avro-type';
import type { AsWritten, RecordType, ValueOf, WritesOf } from './avro-type';

declare const carried: unique symbol;

/** The output of a function that an output object refers to. */
export interface OutputPlace {
  /** The flow of the function. */
  readonly flow: object;
  readonly functionId: string;
  /** Absent: the main output. */
  readonly sideId?: string;
  /** The schemas that its records may have. */
  readonly schemas: readonly AvroSchema[];
}

/**
 * A function's output, which other functions read `from`. An edge fits if `Writes` extends the `Reads` of the reader's
 * type, and if the reader's code accepts `Value`, the type of the records in code.
 */
export class FlowOutput<Writes = unknown, Value = unknown> {
  declare readonly [carried]?: { readonly writes: Writes; readonly value: Value };

  constructor(readonly place: OutputPlace) {}
}

export type OutputOf<T extends RecordType> = FlowOutput<WritesOf<T>, AsWritten<ValueOf<T>>>;

export type WrittenTo<Output extends FlowOutput> = NonNullable<Output[typeof carried]>['writes'];
export type ValueFrom<Output extends FlowOutput> = NonNullable<Output[typeof carried]>['value'];

export type SideTypes = { readonly [id: string]: RecordType };

export type NoSides = Record<never, never>;

/** A function's main output, with its side outputs by id. */
export class FunctionOutput<Writes, Value, Sides extends SideTypes> extends FlowOutput<Writes, Value> {
  constructor(
    place: OutputPlace,
    readonly side: { readonly [Id in keyof Sides]: OutputOf<Sides[Id]> },
  ) {
    super(place);
  }
}
