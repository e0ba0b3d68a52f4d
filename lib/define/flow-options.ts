import type { AvroType, ReadsOf, RecordType, ValueOf } from './avro-type';
import type { GlobalConfigOptions, MetaOptions } from './cdk8s-options';
import type { SecretValue } from './cdk8s-values';
import type { FunctionDocument, TopologyDocument } from './document-types';
import type { FlowOutput, SideTypes, ValueFrom, WrittenTo } from './flow-output';
import type { FunctionCode } from './function-code';
import type { ProcessFunction, SourceFunction } from './sdk';

/** The document's own fields; those of `globalConfig` stand beside the others. */
export interface FlowOptions extends Omit<TopologyDocument, 'jobId' | 'globalConfig' | 'dag'>, GlobalConfigOptions {
  readonly jobId: string;
  /** Where relative paths of code files start: `__dirname` of the flow's file, as a rule. No part of the document. */
  readonly directory?: string;
}

type OwnFields = 'id' | 'type' | 'format' | 'schema' | 'out' | 'sideOuts' | 'secret' | 'globalConfig' | 'meta';

/** The document's fields of a function that types have no say in, as they are. */
export interface FunctionOptions extends Omit<FunctionDocument, OwnFields> {
  readonly secret?: string | SecretValue;
  readonly globalConfig?: GlobalConfigOptions;
  readonly meta?: MetaOptions;
}

// Conditional types, so that the compiler knows what a function returns while it reads it: literals stay literals

type SourceCode<Writes extends RecordType> = [Writes] extends [RecordType<infer Out>]
  ? FunctionCode<SourceFunction<Out>>
  : never;

type ProcessCode<Reads extends RecordType, Writes extends RecordType, Sides extends SideTypes> = [
  Reads,
  Writes,
] extends [RecordType<infer Event>, RecordType<infer Out>]
  ? FunctionCode<ProcessFunction<Event, Out, { readonly [Id in keyof Sides]: ValueOf<Sides[Id]> }>>
  : never;

/** Options of a source without user code. */
export interface SourceOptions<Writes extends RecordType> extends FunctionOptions {
  readonly writes: Writes;
}

export interface RawSourceOptions<Writes extends RecordType, Sides extends SideTypes> extends FunctionOptions {
  readonly writes: Writes;
  readonly sideOuts?: Sides;
  /** Left out: the image brings the function. */
  readonly run?: SourceCode<Writes>;
}

/** What a process or sink may read: outputs whose records fit its type. */
export type Fitting<Reads extends AvroType> = FlowOutput<
  ReadsOf<Reads>,
  ValueOf<Reads> & { readonly [field: string]: unknown }
>;

/** The type of records as an output hands them over. */
export type TypeFrom<From extends FlowOutput> = RecordType<ValueFrom<From>, WrittenTo<From>, unknown>;

export interface ProcessOptions<
  From extends FlowOutput,
  Reads extends RecordType,
  Writes extends RecordType,
  Sides extends SideTypes,
> extends FunctionOptions {
  readonly from: From | readonly From[];
  /** What the code expects of its records, which it gets as they were written. Left out: what `from` writes. */
  readonly reads?: Reads;
  /** Left out: what `from` writes is passed on. */
  readonly writes?: Writes;
  readonly sideOuts?: Sides;
  /** Left out: the image brings the function. */
  readonly run?: ProcessCode<Reads, Writes, Sides>;
}

export interface SinkOptions<Reads extends RecordType> extends FunctionOptions {
  readonly from: FlowOutput<ReadsOf<Reads>> | readonly FlowOutput<ReadsOf<Reads>>[];
  /**
   * What is written to the sink: fields are left out, numbers promoted, defaults filled in. Left out: all as it
   * comes.
   */
  readonly reads?: Reads;
}
