import type { AvroRecord } from '../../../../lib/define/sdk';
import { FunctionError } from '../../../../lib/errors';
import { AvroSchemaCodec } from '../../../engine/avro-message';

/** What `await` waits for: an object whose `then` is a function. A record may have a field `then` of any Avro type. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Arrays, generators and other iterables of records; not strings, not plain records. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/** The records a function returned: one, several, or none. Throws FunctionError on any other value. */
export async function* eachRecord(returned: unknown): AsyncGenerator<AvroRecord> {
  if (returned === undefined || returned === null) return;
  if (isIterable(returned)) {
    for await (const record of returned) yield record as AvroRecord;
    return;
  }
  if (typeof returned !== 'object') {
    const shown = `${typeof returned} ${String(returned).slice(0, 40)}`;
    throw new FunctionError('function-failed', `the function returned ${shown}, not a record`);
  }
  yield returned as AvroRecord;
}

/** Encodes a function's outputs in its declared schema, or in the schema of the input where the record fits that one. */
export class OutputEncoder {
  private readonly declared: AvroSchemaCodec | undefined;

  constructor(schema: object | string | undefined, logicalTypes?: boolean) {
    this.declared = schema === undefined ? undefined : new AvroSchemaCodec(schema, { logicalTypes });
  }

  /** A record with the defaults of the declared schema. Throws FunctionError without one. */
  newRecord(): AvroRecord {
    if (this.declared === undefined) throw new FunctionError('function-failed', 'the output has no schema; set schema');
    return this.declared.newRecord() as AvroRecord;
  }

  /** Throws FunctionError 'record-invalid', which names the first field that does not fit. */
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
