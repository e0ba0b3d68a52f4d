import type { AvroType, LogicalType, UnionType } from '../../lib/topology/avro/avro-type';
import { Decimal } from '../../lib/topology/avro/logical-values';
import { ByteWriter } from './byte-writer';
import { compileEncoder, type Encode } from './compile-encoder';

type ReadJson = (json: unknown) => unknown;

const compiled = new WeakMap<AvroType, ReadJson>();

/**
 * The value of a type that JSON stands for, as `compileJson` renders it: bytes from base64, decimals from their digits, NaN and
 * infinities from text. What is no JSON of the type stays as it is, so that the encoder says what is wrong.
 */
export function readJson(type: AvroType, json: unknown): unknown {
  const read = compiled.get(type) ?? new JsonReaderCompiler().compile(type);
  compiled.set(type, read);
  return read(json);
}

class JsonReaderCompiler {
  private readonly known = new Map<AvroType, ReadJson>();

  compile(type: AvroType): ReadJson {
    const known = this.known.get(type);
    if (known !== undefined) return known;
    let read: ReadJson | undefined;
    this.known.set(type, (json) => (read as ReadJson)(json)); // a type may contain itself
    read = this.build(type);
    this.known.set(type, read);
    return read;
  }

  private build(type: AvroType): ReadJson {
    switch (type.kind) {
      case 'primitive':
        if (type.name === 'float' || type.name === 'double') return readReal;
        return type.name === 'bytes' ? readBytes(type.logical) : (json) => json;
      case 'enum':
        return (json) => json;
      case 'fixed':
        return readBytes(type.logical);
      case 'array': {
        const item = this.compile(type.items);
        return (json) => (Array.isArray(json) ? json.map(item) : json);
      }
      case 'map': {
        const value = this.compile(type.values);
        return (json) => mapObject(json, () => value);
      }
      case 'record': {
        const fields = new Map(type.fields.map((field) => [field.name, this.compile(field.type)]));
        return (json) => mapObject(json, (name) => fields.get(name));
      }
      case 'union':
        return this.buildUnion(type);
    }
  }

  /** The value of the first branch that takes the JSON as it is, then of the first that takes what it stands for. */
  private buildUnion({ branches }: UnionType): ReadJson {
    const writer = new ByteWriter();
    const candidates = branches.map((type) => {
      let encode: Encode | undefined;
      const takes = (value: unknown, isComplete: boolean): boolean => {
        encode ??= compileEncoder(type);
        writer.start(new Uint8Array());
        writer.complete = isComplete;
        return encode(writer, value);
      };
      return { takes, read: this.compile(type) };
    });
    return (json) => {
      if (json === null || typeof json === 'boolean') return json;
      const values = candidates.map(({ takes, read }) => ({ takes, value: read(json) }));
      const found =
        values.find(({ takes, value }) => value === json && takes(json, true)) ??
        values.find(({ takes, value }) => takes(value, true)) ??
        values.find(({ takes, value }) => takes(value, false));
      return found === undefined ? json : found.value;
    };
  }
}

/** A number of any size is rounded to what the type holds, as a number in the text of JSON is. */
function readReal(json: unknown): unknown {
  if (typeof json === 'bigint') return Number(json);
  return json === 'NaN' || json === 'Infinity' || json === '-Infinity' ? Number(json) : json;
}

function readBytes(logical: LogicalType | undefined): ReadJson {
  if (logical?.name !== 'decimal') return (json) => bytesOf(json) ?? json;
  return (json) => decimalOf(json) ?? json;
}

function bytesOf(json: unknown): Buffer | undefined {
  if (typeof json !== 'string') return undefined;
  const bytes = Buffer.from(json, 'base64');
  return bytes.toString('base64').replace(/=+$/, '') === json.replace(/=+$/, '') ? bytes : undefined;
}

function decimalOf(json: unknown): Decimal | undefined {
  if (typeof json !== 'string' && typeof json !== 'number' && typeof json !== 'bigint') return undefined;
  try {
    return Decimal.of(json);
  } catch {
    return undefined; // no digits: the encoder names the value
  }
}

function mapObject(json: unknown, readerOf: (name: string) => ReadJson | undefined): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  const read = ([name, value]: readonly [string, unknown]) => {
    const reader = readerOf(name);
    return [name, reader === undefined ? value : reader(value)];
  };
  return Object.fromEntries(Object.entries(json).map(read));
}
