import type { FunctionDocument, TopologyDocument } from '../topology/document/document-schema';
import type { AvroType, ReadsOf, RecordType, ValueOf } from './avro-type';
import type { GlobalConfigOptions, MetaOptions } from './cdk8s-options';
import type { SecretValue } from './cdk8s-values';
import type { FlowOutput, SideTypes, ValueFrom, WrittenTo } from './flow-output';
import type { FunctionCode } from './function-code';
import type { ProcessFunction, SourceFunction } from './sdk';

/** The document's own fields; those of `globalConfig` stand beside the others. */
export interface FlowOptions
  extends Omit<TopologyDocument, 'jobId' | 'globalConfig' | 'dag' | 'tests'>,
    GlobalConfigOptions {
  readonly jobId: string;
  /** Base of relative paths of code files, usually `__dirname`. Not part of the document. */
  readonly directory?: string;
}

type OwnFields = 'id' | 'type' | 'format' | 'schema' | 'out' | 'sideOuts' | 'secret' | 'globalConfig' | 'meta';

/** The document's fields of a function that are independent of its record types. */
export interface FunctionOptions extends Omit<FunctionDocument, OwnFields> {
  readonly secret?: string | SecretValue;
  readonly globalConfig?: GlobalConfigOptions;
  readonly meta?: MetaOptions;
}

// conditional types give the compiler the return type while it infers a function, so that literals stay literals

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
  /** Without `run`, the image provides the function. */
  readonly run?: SourceCode<Writes>;
}

/** The outputs that a process or sink with this type may read. */
export type Fitting<Reads extends AvroType> = FlowOutput<
  ReadsOf<Reads>,
  ValueOf<Reads> & { readonly [field: string]: unknown }
>;

/** The type of the records of an output. */
export type TypeFrom<From extends FlowOutput> = RecordType<ValueFrom<From>, WrittenTo<From>, unknown>;

export interface ProcessOptions<
  From extends FlowOutput,
  Reads extends RecordType,
  Writes extends RecordType,
  Sides extends SideTypes,
> extends FunctionOptions {
  readonly from: From | readonly From[];
  /** The type that the code expects. Records are passed as they were written. Default: the type of `from`. */
  readonly reads?: Reads;
  /** Default: the type of `from`. */
  readonly writes?: Writes;
  readonly sideOuts?: Sides;
  /** Without `run`, the image provides the function. */
  readonly run?: ProcessCode<Reads, Writes, Sides>;
}

export interface SinkOptions<Reads extends RecordType> extends FunctionOptions {
  readonly from: FlowOutput<ReadsOf<Reads>> | readonly FlowOutput<ReadsOf<Reads>>[];
  /**
   * The type of the records in the sink: other fields are removed, numbers promoted, defaults filled in. Without it, the
   * sink gets records as they were written.
   */
  readonly reads?: Reads;
  /** What the objects of an s3-sink in bulk mode contain: `json` (the default), `avro` or `parquet`. */
  readonly format?: FunctionDocument['format'];
}
