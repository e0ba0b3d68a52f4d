import { FunctionError } from '../../../../lib/errors';
import { AvroSchemaCodec, isAvroMessage, writerOf } from '../../../engine/avro-message';
import { OutputEncoder } from './output-encoder';

export interface DeclaredSchemas {
  readonly schema?: object | string;
  readonly sides: { readonly [id: string]: { readonly schema?: object | string } };
  /** Whether inputs have the values of their logical types. */
  readonly logicalTypes?: boolean;
}

/** The codecs of a function: of its inputs' writers, of its outputs and of its side outputs. */
export class Schemas {
  readonly output: OutputEncoder;
  private readonly sides: ReadonlyMap<string, OutputEncoder>;
  private readonly writers = new Map<string, AvroSchemaCodec | Error>();
  /** The writer of the last record: successive records have the same, as a rule. */
  private last: { readonly high: number; readonly low: number; readonly codec: AvroSchemaCodec } | undefined;

  /** Throws when a declared schema is not valid. */
  constructor(private readonly declared: DeclaredSchemas) {
    const encoderOf = (schema: object | string | undefined) => new OutputEncoder(schema, declared.logicalTypes);
    this.output = encoderOf(declared.schema);
    const sides = Object.entries(declared.sides);
    this.sides = new Map(sides.map(([id, { schema }]) => [id, encoderOf(schema)]));
  }

  /** Adds a writer's schema. Records of an invalid one fail. */
  add(fingerprint: string, schema: object | string): void {
    try {
      const { logicalTypes } = this.declared;
      this.writers.set(fingerprint, new AvroSchemaCodec(schema, { logicalTypes }));
    } catch (error) {
      this.writers.set(fingerprint, error as Error);
    }
  }

  /** The codec of the writer of a message. Throws FunctionError when its schema is not known or not valid. */
  writerOf(payload: Buffer): AvroSchemaCodec {
    const { last } = this;
    if (last !== undefined && isAvroMessage(payload)) {
      if (payload.readInt32BE(2) === last.high && payload.readInt32BE(6) === last.low) return last.codec;
    }
    const fingerprint = writerOf(payload);
    const codec = this.writers.get(fingerprint);
    if (codec instanceof AvroSchemaCodec) {
      this.last = { high: payload.readInt32BE(2), low: payload.readInt32BE(6), codec };
      return codec;
    }
    const why = codec === undefined ? 'unknown' : `invalid: ${codec.message}`;
    throw new FunctionError('record-invalid', `the writer's schema ${fingerprint} of the record is ${why}`);
  }

  /** The encoder of a side output. Throws FunctionError when the function does not declare it. */
  sideOutput(id: string): OutputEncoder {
    const encoder = this.sides.get(id);
    if (encoder !== undefined) return encoder;
    const known = [...this.sides.keys()].join(', ') || 'none';
    throw new FunctionError('function-failed', `the function has no side output "${id}"; declared: ${known}`);
  }
}
