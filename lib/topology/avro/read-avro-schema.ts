import type { DocumentPath } from '../problem/problem';
import type { AvroSchema, RecordType, WrittenSchema } from './avro-type';
import { readAvroType } from './avro-type-reader';
import { hasBigInt, parseExactJson, renderExactJson } from './exact-json';
import { jsonFault, jsonOffsets } from './json-text';

/** A valid schema, and its type with resolved names. */
export interface ReadSchema {
  readonly schema: WrittenSchema;
  readonly type: RecordType;
}

export interface SchemaFault {
  /** Path of the fault in a schema that is written as a map. */
  readonly path: DocumentPath;
  /** Offset of the fault in a schema that is written as text. */
  readonly offset?: number;
  readonly message: string;
}

export type SchemaReading = { readonly read: ReadSchema } | { readonly faults: readonly SchemaFault[] };

/**
 * Reads a schema of a document: JSON text, or a map, with bigints for integers beyond 2^53. The schema must be a record.
 */
export function readAvroSchema(written: unknown): SchemaReading {
  if (typeof written !== 'string') return readSchemaJson(written);
  let json: unknown;
  try {
    json = parseExactJson(written);
  } catch (error) {
    const fault = jsonFault(written) ?? { offset: 0, message: (error as Error).message };
    return { faults: [{ path: [], offset: fault.offset, message: `not JSON: ${fault.message}` }] };
  }
  const reading = readSchemaJson(json);
  if ('read' in reading) return reading;
  const offsetOf = jsonOffsets(written);
  return { faults: reading.faults.map((fault) => ({ ...fault, path: [], offset: offsetOf(fault.path) })) };
}

function readSchemaJson(json: unknown): SchemaReading {
  const { type, faults } = readAvroType(json);
  if (faults.length > 0) {
    return {
      faults: faults.map(({ path, field, message }) => ({
        path,
        message: field === '' ? message : `field ${field}: ${message}`,
      })),
    };
  }
  if (type.kind !== 'record') return { faults: [{ path: [], message: 'the schema must be a record' }] };
  const schema = hasBigInt(json) ? renderExactJson(json) : (json as AvroSchema);
  return { read: { schema, type } };
}
