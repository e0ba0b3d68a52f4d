import { ConfigError } from '../errors';
import type { AvroSchema } from '../topology/avro/avro-type';
import { descriptorOf, type FunctionType } from '../topology/function-types/function-type';
import type { RecordType } from './avro-type';
import type { FunctionOptions } from './flow-options';
import { FlowOutput, FunctionOutput, type SideTypes } from './flow-output';
import type { AnyCode } from './function-code';

/** A function of a flow definition, without its static types. */
export interface DeclaredFunction {
  readonly id: string;
  readonly type: FunctionType;
  readonly format?: 'list';
  /** Fields of the document as they are. */
  readonly options: FunctionOptions;
  readonly from: readonly FlowOutput[];
  /** The schema that the code of a process expects. The document does not contain it. */
  readonly reads?: AvroSchema;
  /** The document's schema: the writer's of a source or process, the reader's of a sink. */
  readonly schema?: AvroSchema;
  readonly sideOuts?: SideTypes;
  readonly run?: AnyCode;
}

interface Declared extends FunctionOptions {
  readonly from?: FlowOutput | readonly FlowOutput[];
  readonly reads?: RecordType;
  readonly writes?: RecordType;
  readonly sideOuts?: SideTypes;
  readonly run?: AnyCode;
}

type AnyOutput = FunctionOutput<unknown, Readonly<Record<string, unknown>>, SideTypes>;

/** The functions of a flow, in the order in which they were added. The typed builders check the arguments. */
export class FlowDeclarations {
  readonly functions: DeclaredFunction[] = [];

  addSource(id: string, type: FunctionType, { writes, sideOuts, run, ...options }: Declared): AnyOutput {
    const { format, implicitSchema } = descriptorOf(type);
    const schema = implicitSchema === undefined ? writes?.schema : undefined;
    this.functions.push({
      id,
      type,
      ...(format === 'required' ? { format: 'list' } : {}),
      options,
      from: [],
      schema,
      sideOuts,
      run,
    });
    return this.outputOf(id, writes === undefined ? [] : [writes.schema], sideOuts);
  }

  /** Adds a process. Without `writes`, its output has the schemas of its inputs. */
  addProcess(id: string, type: FunctionType, declared: Declared): AnyOutput {
    const { from = [], reads, writes, sideOuts, run, ...options } = declared;
    const inputs = this.inputsOf(id, from);
    const schema = writes?.schema;
    this.functions.push({ id, type, options, from: inputs, reads: reads?.schema, schema, sideOuts, run });
    const inherited = new Set(inputs.flatMap(({ place }) => place.schemas));
    return this.outputOf(id, schema === undefined ? [...inherited] : [schema], sideOuts);
  }

  addSink(id: string, type: FunctionType, { from = [], reads, ...options }: Declared): void {
    this.functions.push({ id, type, options, from: this.inputsOf(id, from), schema: reads?.schema });
  }

  private inputsOf(id: string, from: FlowOutput | readonly FlowOutput[]): readonly FlowOutput[] {
    const outputs = 'place' in from ? [from] : from;
    const foreign = outputs.find(({ place }) => place.flow !== this);
    if (foreign === undefined) return outputs;
    const message = `${id}: "${foreign.place.functionId}" belongs to another flow; read outputs of the same flow`;
    throw new ConfigError('config-invalid', message);
  }

  private outputOf(id: string, schemas: readonly AvroSchema[], sides: SideTypes = {}): AnyOutput {
    const side: AnyOutput['side'] = Object.fromEntries(
      Object.entries(sides).map(([sideId, { schema }]) => [
        sideId,
        new FlowOutput({ flow: this, functionId: id, sideId, schemas: [schema] }),
      ]),
    );
    return new FunctionOutput({ flow: this, functionId: id, schemas }, side);
  }
}
