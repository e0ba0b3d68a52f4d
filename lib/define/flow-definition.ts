import { ConfigError } from '../errors';
import type { AvroSchema } from '../topology/avro/avro-schema';
import type { FunctionType } from '../topology/function-types/function-type';
import type { AsWritten, RecordType, ValueOf, WritesOf } from './avro-type';
import type { DefinedFunction } from './defined-function';
import type { TopologyDocument } from './document-types';
import { flowDocument } from './flow-document';
import type {
  Fitting,
  FlowOptions,
  FunctionOptions,
  ProcessOptions,
  RawSourceOptions,
  SinkOptions,
  TypeFrom,
} from './flow-options';
import { FlowOutput, FunctionOutput, type OutputOf, type SideTypes } from './flow-output';
import { s3list } from './s3list';

type NoSides = Record<never, never>;

/** A flow as code: each method adds a function to the dag, and gives its output for others to read `from`. */
export class FlowDefinition {
  private readonly functions: DefinedFunction[] = [];

  constructor(readonly options: FlowOptions) {}

  /** Lists the objects of a bucket. */
  fsSource(id: string, options: FunctionOptions): OutputOf<typeof s3list> {
    this.functions.push({ id, type: 'fs-source', format: 'list', options, from: [] });
    return new FlowOutput({ flow: this, functionId: id, schemas: [s3list.schema] });
  }

  /** Makes records by code of its own. */
  rawSource<W extends RecordType, S extends SideTypes = NoSides>(
    id: string,
    { writes, sideOuts, run, ...options }: RawSourceOptions<W, S>,
  ): FunctionOutput<WritesOf<W>, AsWritten<ValueOf<W>>, S> {
    const { schema } = writes;
    this.functions.push({ id, type: 'raw-source', options, from: [], schema, sideOuts, run });
    return this.outputOf(id, [schema], sideOuts);
  }

  /** Makes none, one or several records of each that it reads. */
  process<
    F extends Fitting<R>,
    R extends RecordType = TypeFrom<F>,
    W extends RecordType = TypeFrom<F>,
    S extends SideTypes = NoSides,
  >(
    id: string,
    { from, reads, writes, sideOuts, run, ...options }: ProcessOptions<F, R, W, S>,
  ): FunctionOutput<WritesOf<W>, AsWritten<ValueOf<W>>, S> {
    const inputs = this.inputs(id, from);
    const schema = writes?.schema;
    this.functions.push({ id, type: 'raw', options, from: inputs, reads: reads?.schema, schema, sideOuts, run });
    const passedOn = new Set(inputs.flatMap(({ place }) => place.schemas));
    return this.outputOf(id, schema === undefined ? [...passedOn] : [schema], sideOuts);
  }

  /** Writes each record as an object. */
  s3Sink<R extends RecordType = RecordType>(id: string, options: SinkOptions<R>): void {
    this.sink(id, 's3-sink', options);
  }

  /** Writes each record as a document of an index. */
  elasticSink<R extends RecordType = RecordType>(id: string, options: SinkOptions<R>): void {
    this.sink(id, 'elastic-sink', options);
  }

  /** Publishes each record on a subject. */
  natsSink<R extends RecordType = RecordType>(id: string, options: SinkOptions<R>): void {
    this.sink(id, 'nats-sink', options);
  }

  /**
   * The document that YAML would say the same with; what is wrong with it is for `readTopology` to find. Throws
   * ConfigError with every function whose code cannot be sent as text or found, or which cannot read its input.
   */
  document(): TopologyDocument {
    return flowDocument(this.options, this.functions);
  }

  private sink<R extends RecordType>(
    id: string,
    type: FunctionType,
    { from, reads, ...options }: SinkOptions<R>,
  ): void {
    this.functions.push({ id, type, options, from: this.inputs(id, from), schema: reads?.schema });
  }

  private inputs(id: string, from: FlowOutput | readonly FlowOutput[]): readonly FlowOutput[] {
    const outputs = 'place' in from ? [from] : from;
    const foreign = outputs.find(({ place }) => place.flow !== this);
    if (foreign === undefined) return outputs;
    const message = `${id}: "${foreign.place.functionId}" is a function of another flow, and edges end with their flow`;
    throw new ConfigError('config-invalid', message);
  }

  private outputOf<W extends RecordType, S extends SideTypes = NoSides>(
    id: string,
    schemas: readonly AvroSchema[],
    sides?: S,
  ): FunctionOutput<WritesOf<W>, AsWritten<ValueOf<W>>, S> {
    const side = Object.fromEntries(
      Object.entries(sides ?? {}).map(([sideId, { schema }]) => [
        sideId,
        new FlowOutput({ flow: this, functionId: id, sideId, schemas: [schema] }),
      ]),
    ) as { readonly [Id in keyof S]: OutputOf<S[Id]> };
    return new FunctionOutput({ flow: this, functionId: id, schemas }, side);
  }
}
