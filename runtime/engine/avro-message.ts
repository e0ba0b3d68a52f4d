import { FunctionError } from '../../lib/errors';
import type { AvroType } from '../../lib/topology/avro/avro-type';
import { differInDecimals } from '../../lib/topology/avro/canonical-form';
import { hasBigInt, parseExactJson } from '../../lib/topology/avro/exact-json';
import { AvroCodec, type DecodeBytes } from '../avro/avro-codec';

/**
 * Records on the wire: Avro's single-object encoding, that is the marker C3 01, the writer schema's CRC-64-AVRO fingerprint
 * (8 bytes, little-endian), then the binary body. Source: Apache Avro 1.12 specification, "Single object encoding".
 */
const headerLength = 10;

/** CRC-64-AVRO of the schema's Parsing Canonical Form, as the 16 hex digits of a message's header. */
export function fingerprintOf(schema: object | string): string {
  return new AvroCodec(schema).fingerprint;
}

/** Whether two schemas have the same fingerprint, but decimals of other precision or scale. */
export function haveOtherDecimals(one: object | string, other: object | string): boolean {
  return differInDecimals(new AvroCodec(one).type, new AvroCodec(other).type);
}

/** A schema as text, with all digits of its longs. */
export function schemaText(schema: object | string): string {
  return typeof schema === 'string' ? schema : JSON.stringify(schema);
}

/** A schema as JSON, or the text itself if `JSON.parse` would round one of its longs. */
export function schemaOfText(text: string): object | string {
  const schema = parseExactJson(text);
  return hasBigInt(schema) ? text : (schema as object);
}

export function isAvroMessage(payload: Uint8Array): boolean {
  return payload.length >= headerLength && payload[0] === 0xc3 && payload[1] === 0x01;
}

/** The fingerprint of the schema that a message was written with. Throws FunctionError when it is not an Avro message. */
export function writerOf(payload: Uint8Array): string {
  if (!isAvroMessage(payload))
    throw new FunctionError('record-invalid', 'message is not an Avro single-object encoding');
  return Buffer.from(payload.buffer, payload.byteOffset + 2, 8).toString('hex');
}

/** One schema, compiled, and its records as messages. */
export class AvroSchemaCodec {
  readonly fingerprint: string;
  private readonly codec: AvroCodec;
  private readonly header: Uint8Array;

  /** Takes JSON, or its text. `logicalTypes` is that of the AvroCodec. Throws FunctionError 'schema-invalid'. */
  constructor(
    readonly schema: object | string,
    options: { readonly logicalTypes?: boolean } = {},
  ) {
    this.codec = new AvroCodec(schema, options);
    this.fingerprint = this.codec.fingerprint;
    this.header = Buffer.concat([Uint8Array.of(0xc3, 0x01), Buffer.from(this.fingerprint, 'hex')]);
  }

  get type(): AvroType {
    return this.codec.type;
  }

  /** The record as a message; undefined unless it has exactly the schema's fields, each with a value of its type. */
  encode(record: unknown): Uint8Array | undefined {
    return this.codec.encode(record, this.header);
  }

  /** The path of the first value of a record that does not fit, and why; undefined when the record fits. */
  misfit(record: unknown): string | undefined {
    return this.codec.misfit(record);
  }

  /** A record in which each field that has a default has it, and no other field is. */
  newRecord(): unknown {
    return this.codec.newRecord();
  }

  /** Throws FunctionError 'record-invalid'. */
  decode(payload: Uint8Array): unknown {
    return this.codec.decode(payload, headerLength);
  }

  /** A decoded record as JSON on one line. */
  json(record: unknown): string {
    return this.codec.json(record);
  }

  /** Decodes messages of this schema as records of the reader's. Throws FunctionError when the schemas do not resolve. */
  readAs(reader: AvroSchemaCodec): (payload: Uint8Array) => unknown {
    const decode: DecodeBytes = this.codec.decoderFor(reader.codec);
    return (payload) => decode(payload, headerLength);
  }
}
