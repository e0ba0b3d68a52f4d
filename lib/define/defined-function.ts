import type { AvroSchema } from '../topology/avro/avro-schema';
import type { FunctionType } from '../topology/function-types/function-type';
import type { FunctionOptions } from './flow-options';
import type { FlowOutput, SideTypes } from './flow-output';
import type { AnyCode } from './function-code';

/** A function of a definition, with its types behind it. */
export interface DefinedFunction {
  readonly id: string;
  readonly type: FunctionType;
  readonly format?: 'list';
  /** Fields of the document as they are. */
  readonly options: FunctionOptions;
  readonly from: readonly FlowOutput[];
  /** What a process expects; the document has no word for it. */
  readonly reads?: AvroSchema;
  /** The document's: what a source or process writes, what a sink reads. */
  readonly schema?: AvroSchema;
  readonly sideOuts?: SideTypes;
  readonly run?: AnyCode;
}
