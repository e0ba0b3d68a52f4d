import { FunctionError } from '../../../lib/errors';
import type { SinkRecord } from '../../engine/ports/sink';
import { columnOf } from './parquet-column';

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
