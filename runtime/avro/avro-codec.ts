import { FunctionError } from '../../lib/errors';
import type { AvroType, WrittenSchema } from '../../lib/topology/avro/avro-type';
import { readAvroType } from '../../lib/topology/avro/avro-type-reader';
import { avroFingerprint } from '../../lib/topology/avro/canonical-form';
import { type Resolution, resolveTypes } from '../../lib/topology/avro/resolve-schema';
import { ByteReader, MalformedError } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { compileDecoder, type Decode } from './compile-decoder';
import { compileEncoder, type Encode } from './compile-encoder';
import { encodeDefault } from './encode-default';
import { describeFault, type Fault } from './misfit';
import { compileJson, type RenderJson } from './render-json';

const noHeader = new Uint8Array();
/** Writers that are not in use. A value whose getter encodes another one needs a second writer. */
const idle: ByteWriter[] = [];

/** Decodes the bytes from `start` to the end. Throws FunctionError 'record-invalid'. */
export type DecodeBytes = (bytes: Uint8Array, start?: number) => unknown;

/**
 * One Avro schema, compiled to functions at first use. docs/avro.md lists the values of each type.
 *
 * I1. A value is encoded as a whole or not at all, exactly, and each field of a record is read once.
 * I2. What is encoded decodes, and to the same value: the limits of both are the same.
 */
export class AvroCodec {
  readonly type: AvroType;
  /** CRC-64-AVRO of the Parsing Canonical Form, as 16 hex digits, least significant byte first. */
  readonly fingerprint: string;
  private encoder: Encode | undefined;
  private decoder: DecodeBytes | undefined;
  private renderer: RenderJson | undefined;
  private failed: { readonly value: unknown; readonly fault: Fault | undefined } | undefined;

  /**
   * Takes a schema as JSON, or its text. With `logicalTypes`, `decode` makes Dates, Decimals and the like of values that have
   * a logical type. Throws FunctionError 'schema-invalid', which names each fault.
   */
  constructor(
    readonly schema: WrittenSchema | object,
    private readonly options: { readonly logicalTypes?: boolean } = {},
  ) {
    this.type = validType(schema);
    this.fingerprint = avroFingerprint(this.type);
  }

  /** The value after `header`; undefined if it does not fit the schema. */
  encode(value: unknown, header: Uint8Array = noHeader): Uint8Array | undefined {
    this.encoder ??= compileEncoder(this.type);
    this.failed = undefined;
    const writer = idle.pop() ?? new ByteWriter();
    try {
      writer.start(header);
      if (this.encoder(writer, value)) return writer.take();
      this.failed = { value, fault: writer.fault };
      return undefined;
    } finally {
      idle.push(writer);
    }
  }

  /** The place of the first value that does not fit, and why: `items[2].price: expected double, got string "x"`. */
  misfit(value: unknown): string | undefined {
    if (this.failed === undefined || this.failed.value !== value) this.encode(value);
    const fault = this.failed?.fault;
    this.failed = undefined;
    return fault && describeFault(fault);
  }

  /** Throws FunctionError 'record-invalid' for bytes that the schema does not describe. */
  decode(bytes: Uint8Array, start = 0): unknown {
    const isNative = this.options.logicalTypes === true;
    this.decoder ??= decodeWith(compileDecoder(identityOf(this.type), { identity: identityOf, isNative }));
    return this.decoder(bytes, start);
  }

  /**
   * Decodes values of this schema as those of the reader's, by Avro's rules of schema resolution. Throws FunctionError
   * 'schema-incompatible', which names the reader's fields that cannot be read.
   */
  decoderFor(reader: AvroCodec): DecodeBytes {
    const resolved = resolveTypes(this.type, reader.type);
    if ('resolution' in resolved)
      return decodeWith(compileDecoder(resolved.resolution, { identity: identityOf, isNative: false }));
    const listed = resolved.conflicts
      .slice(0, 3)
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    throw new FunctionError('schema-incompatible', `the reader's schema cannot read the record: ${listed.join('; ')}`);
  }

  /** A record in which each field that has a default has it, and no other field is; the schema is that of a record. */
  newRecord(): { readonly [field: string]: unknown } {
    const fields = this.type.kind === 'record' ? this.type.fields : [];
    const isNative = this.options.logicalTypes === true;
    return Object.fromEntries(
      fields.flatMap(({ name, type, default: fallback }) => {
        if (fallback === undefined) return [];
        const read = decodeWith(compileDecoder(identityOf(type), { identity: identityOf, isNative }));
        return [[name, read(encodeDefault(type, fallback.json))]];
      }),
    );
  }

  /** A decoded value as JSON on one line. */
  json(value: unknown): string {
    this.renderer ??= compileJson(this.type);
    return this.renderer(value);
  }
}

function validType(schema: unknown): AvroType {
  const { type, faults } = readAvroType(schema);
  if (faults.length === 0) return type;
  const messages = faults.map(({ field, message }) => (field === '' ? message : `field ${field}: ${message}`));
  throw new FunctionError('schema-invalid', `the schema is not valid Avro: ${messages.slice(0, 3).join('; ')}`);
}

/** Reads a type as itself. */
function identityOf(type: AvroType): Resolution {
  const resolved = resolveTypes(type, type);
  if ('resolution' in resolved) return resolved.resolution;
  throw new FunctionError('schema-incompatible', 'the schema does not read what it writes');
}

function decodeWith(decode: Decode): DecodeBytes {
  return (bytes, start = 0) => {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const reader = new ByteReader(buffer, start);
    try {
      const value = decode(reader);
      reader.finish();
      return value;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new FunctionError('record-invalid', `message does not decode: ${error.message}`, { cause: error });
    }
  };
}
