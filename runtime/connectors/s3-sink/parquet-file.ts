import type { ParquetWriteOptions } from 'hyparquet-writer';
import { FunctionError } from '../../../lib/errors';
import type { AvroField, AvroType, LogicalType } from '../../../lib/topology/avro/avro-type';
import { compileJson } from '../../avro/render-json';
import type { SinkRecord } from '../../engine/ports/sink';

/** Rows of a row group. */
const rowGroupSize = 100_000;

/** A Parquet file with a column for each field of the records. The writer is loaded by the first file. */
export async function parquetFile(records: readonly SinkRecord[]): Promise<Uint8Array> {
  const [first] = records;
  const type = first?.schema.type;
  if (type?.kind !== 'record') throw new FunctionError('record-invalid', 'Parquet needs records with fields');
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const rows = records.map(({ value }) => value as { readonly [field: string]: unknown });
  const columns = type.fields.map((field) => columnOf(field));
  const root = { name: 'root', num_children: columns.length };
  const columnData = columns.map(({ element, convert }) => ({
    name: element.name,
    data: rows.map((row) => convert(row[element.name])),
  }));
  const schema = [root, ...columns.map(({ element }) => element)];
  return Buffer.from(parquetWriteBuffer({ columnData, schema, rowGroupSize, createdBy: 'kflow' }));
}

type SchemaElement = NonNullable<ParquetWriteOptions['schema']>[number];

/** A column of a Parquet file, and how values of the field become those of the column. */
interface ParquetColumn {
  readonly element: SchemaElement;
  readonly convert: (value: unknown) => unknown;
}

type Leaf = Pick<SchemaElement, 'type' | 'type_length' | 'converted_type' | 'logical_type' | 'precision' | 'scale'>;

interface LeafColumn {
  readonly leaf: Leaf;
  readonly convert?: (value: unknown) => unknown;
}

/**
 * The column of a field. Primitive types, enums, fixed and their logical types have columns of their type, optional if the field is a
 * union with null; arrays, maps, records and other unions are text with JSON, by the rules of docs/avro.md.
 */
function columnOf({ name, type }: AvroField): ParquetColumn {
  const { inner, isNullable } = withoutNull(type);
  const { leaf, convert = (value: unknown) => value } = leafOf(inner) ?? jsonColumn(inner);
  return {
    element: { name, repetition_type: isNullable ? 'OPTIONAL' : 'REQUIRED', ...leaf },
    convert: (value) => (value === null || value === undefined ? null : convert(value)),
  };
}

/** The type beside null in a union of two. */
function withoutNull(type: AvroType): { readonly inner: AvroType; readonly isNullable: boolean } {
  if (isNull(type)) return { inner: type, isNullable: true };
  if (type.kind !== 'union') return { inner: type, isNullable: false };
  const others = type.branches.filter((branch) => !isNull(branch));
  const [only] = others;
  const isNullable = others.length < type.branches.length;
  return only !== undefined && others.length === 1 ? { inner: only, isNullable } : { inner: type, isNullable };
}

function isNull(type: AvroType): boolean {
  return type.kind === 'primitive' && type.name === 'null';
}

const text: LeafColumn = { leaf: { type: 'BYTE_ARRAY', converted_type: 'UTF8' } };

function leafOf(type: AvroType): LeafColumn | undefined {
  if (type.kind === 'enum') return text;
  if (type.kind === 'fixed') {
    return decimalOf(type.logical, type.size) ?? { leaf: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: type.size } };
  }
  if (type.kind !== 'primitive') return undefined;
  switch (type.name) {
    case 'null':
    case 'string':
      return text;
    case 'boolean':
      return { leaf: { type: 'BOOLEAN' } };
    case 'int':
      return { leaf: { type: 'INT32', ...timeOf(type.logical) } };
    case 'long':
      return { leaf: { type: 'INT64', ...timeOf(type.logical) }, convert: (value) => BigInt(value as number | bigint) };
    case 'float':
      return { leaf: { type: 'FLOAT' } };
    case 'double':
      return { leaf: { type: 'DOUBLE' } };
    case 'bytes':
      return decimalOf(type.logical) ?? { leaf: { type: 'BYTE_ARRAY' } };
  }
}

function timeOf(logical: LogicalType | undefined): Leaf {
  switch (logical?.name) {
    case 'date':
      return { converted_type: 'DATE' };
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return {
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: !logical.name.startsWith('local'), unit: 'MILLIS' },
      };
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return {
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: !logical.name.startsWith('local'), unit: 'MICROS' },
      };
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return { logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: !logical.name.startsWith('local'), unit: 'NANOS' } };
    case 'time-millis':
      return { converted_type: 'TIME_MILLIS' };
    case 'time-micros':
      return { converted_type: 'TIME_MICROS' };
    default:
      return {};
  }
}

/** Bytes of a decimal: what 38 digits need, which is the most that most readers take. */
const decimalBytes = 16;

function decimalOf(logical: LogicalType | undefined, size?: number): LeafColumn | undefined {
  if (logical?.name !== 'decimal') return undefined;
  const { precision, scale } = logical;
  const length = size ?? Math.max(decimalBytes, Math.ceil((precision * Math.log2(10) + 1) / 8));
  const leaf = {
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: length,
    converted_type: 'DECIMAL',
    precision,
    scale,
  } as const;
  return { leaf, convert: (value) => unscaled(value as Uint8Array) };
}

/** The number of a decimal's bytes: two's complement, big-endian. */
function unscaled(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function jsonColumn(type: AvroType): LeafColumn {
  const render = compileJson(type);
  return {
    leaf: { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } },
    convert: (value) => Buffer.from(render(value)),
  };
}
