import type { AvroSchema } from '../topology/avro/avro-schema';
import type { AsWritten, RecordType, ValueOf, WritesOf } from './avro-type';

declare const carried: unique symbol;

/** Which output of which function a handle stands for. */
export interface OutputPlace {
  /** The definition the function is in. */
  readonly flow: object;
  readonly functionId: string;
  /** Absent: the main output. */
  readonly sideId?: string;
  /** The schemas its records may be written with. */
  readonly schemas: readonly AvroSchema[];
}

/**
 * A function's output, to read `from`. A reader takes it if `Writes` extends what its type reads, and `Value`, the
 * records as they are handed to code, is what its code expects.
 */
export class FlowOutput<Writes = unknown, Value = unknown> {
  declare readonly [carried]?: { readonly writes: Writes; readonly value: Value };

  constructor(readonly place: OutputPlace) {}
}

export type OutputOf<T extends RecordType> = FlowOutput<WritesOf<T>, AsWritten<ValueOf<T>>>;

export type WrittenTo<Output extends FlowOutput> = NonNullable<Output[typeof carried]>['writes'];
export type ValueFrom<Output extends FlowOutput> = NonNullable<Output[typeof carried]>['value'];

export type SideTypes = { readonly [id: string]: RecordType };

/** A function's main output, with its side outputs by their ids. */
export class FunctionOutput<Writes, Value, Sides extends SideTypes> extends FlowOutput<Writes, Value> {
  constructor(
    place: OutputPlace,
    readonly side: { readonly [Id in keyof Sides]: OutputOf<Sides[Id]> },
  ) {
    super(place);
  }
}
