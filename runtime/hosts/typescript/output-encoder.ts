import { FunctionError } from '../../../lib/errors';
import { AvroSchemaCodec } from '../../engine/avro-message';

/** Encodes what a function gives: by its declared schema, else, where the record fits it, by its input's schema. */
export class OutputEncoder {
  private readonly declared: AvroSchemaCodec | undefined;

  constructor(schema: object | undefined) {
    this.declared = schema === undefined ? undefined : new AvroSchemaCodec(schema);
  }

  /** Throws FunctionError 'record-invalid' that names the first field that does not fit. */
  encode(record: unknown, input?: AvroSchemaCodec): Uint8Array {
    const payload = this.declared?.encode(record) ?? input?.encode(record);
    if (payload !== undefined) return payload;
    const expected = this.declared ?? input;
    const whose = this.declared === undefined ? "the input's schema" : "the function's schema";
    throw new FunctionError(
      'record-invalid',
      `the output does not fit ${whose}: ${expected?.misfit(record) ?? 'no schema is known'}`,
    );
  }
}
