import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isPlainMap } from '../../lib/plain-map';
import type { WrittenSchema } from '../../lib/topology/avro/avro-type';
import { parseExactJson } from '../../lib/topology/avro/exact-json';
import type { DocumentPath } from '../../lib/topology/problem/problem';
import { showValue } from '../../lib/topology/problem/show-value';
import { AvroSchemaCodec } from '../engine/avro-message';
import { encodeJson } from '../engine/encode-json';
import type { Fault } from './fault';

/** The records of a list, or of the file that stands for it, with their paths in the test. */
export interface RecordList {
  readonly items: readonly { readonly path: DocumentPath; readonly value: unknown }[];
}

/** Reads a list of records, or a file of JSON lines relative to a folder. */
export function readRecords(
  written: string | readonly unknown[],
  { at, folder }: { readonly at: DocumentPath; readonly folder: string },
  faults: Fault[],
): RecordList {
  if (typeof written !== 'string') return { items: written.map((value, index) => ({ path: [...at, index], value })) };
  try {
    const text = readFileSync(path.resolve(folder, written), 'utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return { items: lines.map((line) => ({ path: at, value: parseExactJson(line) })) };
  } catch (error) {
    faults.push({ path: at, message: `${written}: ${(error as Error).message}` });
    return { items: [] };
  }
}

/** A record as a message of the first schema that it fits. Adds a fault for one that fits none. */
export function encodeRecord(
  schemas: readonly WrittenSchema[],
  { path: at, value }: RecordList['items'][number],
  faults: Fault[],
): Uint8Array | undefined {
  if (!isPlainMap(value)) {
    faults.push({
      path: at,
      message: `must be a record, or a line such as "crash" or "pause", got ${showValue(at, value)}`,
    });
    return undefined;
  }
  const encoded = encodeJson(schemas.map(codecOf), value);
  if ('payload' in encoded) return encoded.payload;
  faults.push({ path: at, message: encoded.misfit });
  return undefined;
}

const codecs = new Map<WrittenSchema, AvroSchemaCodec>();

function codecOf(schema: WrittenSchema): AvroSchemaCodec {
  const codec = codecs.get(schema) ?? new AvroSchemaCodec(schema);
  codecs.set(schema, codec);
  return codec;
}
