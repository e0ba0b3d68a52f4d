import { ConfigError } from '../../../lib/errors';
import type { SinkRecord } from '../../engine/ports/sink';
import { avroContainer } from './avro-container';
import { parquetFile } from './parquet-file';

/** How a bulk becomes an object. The same records, in the same order, give the same bytes. */
export interface BulkFormat {
  readonly extension: string;
  readonly contentType: string;
  /** The records, at least one, have one schema. */
  encode(records: readonly SinkRecord[]): Uint8Array | Promise<Uint8Array>;
}

const formats: { readonly [name: string]: BulkFormat } = {
  json: {
    extension: 'jsonl',
    contentType: 'application/x-ndjson',
    encode: (records) => Buffer.from(records.map((record) => `${record.json()}\n`).join('')),
  },
  avro: { extension: 'avro', contentType: 'application/vnd.apache.avro', encode: avroContainer },
  parquet: { extension: 'parquet', contentType: 'application/vnd.apache.parquet', encode: parquetFile },
};

/** Throws ConfigError for an unknown format. */
export function bulkFormat(name = 'json'): BulkFormat {
  const format = formats[name];
  if (format === undefined) throw new ConfigError('setting-invalid', `format: unknown format "${name}"`);
  return format;
}
