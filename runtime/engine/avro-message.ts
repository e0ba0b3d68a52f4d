import type { Type } from 'avsc';
import * as avro from 'avsc';
import { FunctionError } from '../../lib/errors';

/**
 * Records on the wire: Avro's single-object encoding, that is the marker C3 01, the writer schema's CRC-64-AVRO fingerprint
 * (8 bytes, little-endian), then the binary body. Source: Apache Avro 1.12 specification, "Single object encoding".
 */
const headerLength = 10;

/** Sizes of the buffer that records are encoded into before their bytes are copied. */
const minScratch = 16 * 1024;
const maxScratch = 1024 * 1024;

const fingerprintTable = makeFingerprintTable();

function makeFingerprintTable(): BigUint64Array {
  const empty = 0xc15d213aa4d7a795n;
  return BigUint64Array.from({ length: 256 }, (_, index) => {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (empty & -(value & 1n));
    return BigInt.asUintN(64, value);
  });
}

/** CRC-64-AVRO of the schema's Parsing Canonical Form, as the 16 hex digits of a message's header. */
export function fingerprintOf(schema: object): string {
  const canonical = JSON.stringify(typeOf(schema).schema());
  let value = 0xc15d213aa4d7a795n;
  for (const byte of Buffer.from(canonical)) {
    value = (value >> 8n) ^ (fingerprintTable[Number((value ^ BigInt(byte)) & 0xffn)] ?? 0n);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.toString('hex');
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

/** A 64-bit integer beyond the safe integers becomes a bigint: no value is rejected, none is rounded. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => toNumberIfSafe(buffer.readBigInt64LE()),
  toBuffer: (value: number | bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(BigInt(value));
    return buffer;
  },
  fromJSON: (value: number | string) => toNumberIfSafe(BigInt(value)),
  toJSON: (value: number | bigint) => Number(value),
  isValid: (value: unknown) =>
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'bigint' && BigInt.asIntN(64, value) === value),
  compare: (one: number | bigint, other: number | bigint) => (one < other ? -1 : one > other ? 1 : 0),
});

function toNumberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** avsc's type of a schema: longs are numbers, and unions are plain values where their branches are unambiguous. */
function typeOf(schema: object): Type {
  return avro.Type.forSchema(schema as avro.Schema);
}

/**
 * One schema, compiled. Longs are numbers; a record with a long beyond 2^53 takes a slower path, on which such longs are
 * bigints.
 */
export class AvroSchemaCodec {
  readonly fingerprint: string;
  private readonly header: Uint8Array;
  private readonly fast: Type;
  private exactType: Type | undefined;
  private scratch = Buffer.alloc(minScratch);

  constructor(readonly schema: object) {
    this.fast = typeOf(schema);
    this.fingerprint = fingerprintOf(schema);
    this.header = Buffer.concat([Uint8Array.of(0xc3, 0x01), Buffer.from(this.fingerprint, 'hex')]);
    this.scratch.set(this.header);
  }

  /** The record as a message; undefined unless it has exactly the schema's fields, each with a value of its type. */
  encode(record: unknown): Uint8Array | undefined {
    if (isValid(this.fast, record)) return this.write(this.fast, record);
    return isValid(this.exact, record) ? this.write(this.exact, record) : undefined;
  }

  /** The path of the first value of a record that does not fit, and why; undefined when the record fits. */
  misfit(record: unknown): string | undefined {
    let found: string | undefined;
    this.exact.isValid(record, {
      noUndeclaredFields: true,
      errorHook: (path: string[], value: unknown, type: Type) => {
        found ??= describeMisfit(path, value, type);
      },
    } as Parameters<Type['isValid']>[1]);
    return found;
  }

  decode(payload: Uint8Array): unknown {
    return decodeExactly(
      () => decodeBody(this.fast, bufferOf(payload)),
      () => decodeBody(this.exact, bufferOf(payload)),
    );
  }

  /** Decodes messages of this schema as records of the reader's; undefined when the schemas do not resolve. */
  readAs(reader: AvroSchemaCodec): ((payload: Uint8Array) => unknown) | undefined {
    try {
      const fast = reader.fast.createResolver(this.fast);
      let exact: ReturnType<Type['createResolver']> | undefined;
      const decode = (type: Type, payload: Uint8Array, resolver: ReturnType<Type['createResolver']>) =>
        decodeBody(type, bufferOf(payload), resolver);
      return (payload) =>
        decodeExactly(
          () => decode(reader.fast, payload, fast),
          () => {
            exact ??= reader.exact.createResolver(this.exact);
            return decode(reader.exact, payload, exact);
          },
        );
    } catch {
      return undefined; // avsc throws when the schemas do not resolve
    }
  }

  private write(type: Type, record: unknown): Uint8Array {
    let end = type.encode(record, this.scratch, headerLength);
    if (end < 0) {
      this.resize(this.scratch.length - end);
      end = type.encode(record, this.scratch, headerLength);
    }
    const message = Uint8Array.prototype.slice.call(this.scratch, 0, end);
    if (this.scratch.length > maxScratch) this.resize(minScratch);
    return message;
  }

  private get exact(): Type {
    this.exactType ??= avro.Type.forSchema(this.schema as avro.Schema, { registry: { long: exactLong } });
    return this.exactType;
  }

  private resize(length: number): void {
    this.scratch = Buffer.alloc(length);
    this.scratch.set(this.header);
  }
}

/** Tries the fast path, then the exact one if a long exceeds the safe integers. */
function decodeExactly(fast: () => unknown, exact: () => unknown): unknown {
  try {
    return fast();
  } catch (error) {
    if (error instanceof Error && error.message.includes('precision')) return exact();
    throw new FunctionError('record-invalid', `message does not decode: ${String(error)}`, { cause: error });
  }
}

function bufferOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

function decodeBody(type: Type, buffer: Buffer, resolver?: ReturnType<Type['createResolver']>): unknown {
  const { value, offset } = type.decode(buffer, headerLength, resolver) as { value: unknown; offset: number };
  if (offset !== buffer.length)
    throw new Error(offset < 0 ? 'unexpected end' : `${buffer.length - offset} unread bytes`);
  return value;
}

function isValid(type: Type, record: unknown): boolean {
  return type.isValid(record, { noUndeclaredFields: true } as Parameters<Type['isValid']>[1]);
}

function describeMisfit(path: readonly string[], value: unknown, type: Type): string {
  const where = path.length === 0 ? 'record' : path.join('.');
  const typeName = type.typeName.replace('abstract:', ''); // avsc's prefix of custom types
  if (value === undefined) return `${where}: missing, expected ${typeName}`;
  const extra = typeName === 'record' ? undeclared(value, type) : undefined;
  if (extra !== undefined) return `${path.concat(extra).join('.')}: not a field of the schema`;
  return `${where}: expected ${type.name === undefined ? typeName : `${typeName} ${type.name}`}, got ${describeValue(value)}`;
}

function undeclared(value: unknown, type: Type): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const known = new Set((type as avro.types.RecordType).fields.map((field) => field.name));
  return Object.keys(value).find((key) => !known.has(key));
}

function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `an object with ${Object.keys(value).slice(0, 8).join(', ')}`;
  return `${typeof value} ${String(JSON.stringify(String(value))).slice(0, 40)}`;
}
