import type { DocumentPath } from '../problem/problem';
import type { AvroSchema, AvroType } from './avro-type';
import { readAvroType } from './avro-type-reader';
import { jsonFault, jsonOffsets } from './json-text';

/** A valid schema: its JSON, and its type with resolved names. */
export interface ReadSchema {
  readonly schema: AvroSchema;
  readonly type: AvroType & { readonly kind: 'record' };
}

export interface SchemaFault {
  /** Path of the fault in a schema that is written as a map. */
  readonly path: DocumentPath;
  /** Offset of the fault in a schema that is written as text. */
  readonly offset?: number;
  readonly message: string;
}

export type SchemaReading = { readonly read: ReadSchema } | { readonly faults: readonly SchemaFault[] };

/** Reads a schema of a document: JSON text, or a map. The schema must be a record. */
export function readAvroSchema(written: unknown): SchemaReading {
  if (typeof written !== 'string') return readSchemaJson(written);
  let json: unknown;
  try {
    json = JSON.parse(written);
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
  return { read: { schema: json as AvroSchema, type } };
}
