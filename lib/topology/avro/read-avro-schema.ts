import type { DocumentPath } from '../problem/problem';
import type { AvroSchema, AvroType } from './avro-type';
import { readAvroType } from './avro-type-reader';
import { jsonFault, jsonOffsets } from './json-text';

/** A schema that was read once: its JSON, and its types with names resolved. */
export interface ReadSchema {
  readonly schema: AvroSchema;
  readonly type: AvroType & { readonly kind: 'record' };
}

export interface SchemaFault {
  /** In a schema written as a map: the way to the fault. */
  readonly path: DocumentPath;
  /** In a schema written as text: the character. */
  readonly offset?: number;
  readonly message: string;
}

export type SchemaReading = { readonly read: ReadSchema } | { readonly faults: readonly SchemaFault[] };

/** Reads a schema as documents write it, JSON text or a map. It must be a record, since records are what flows. */
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
  if (type.kind !== 'record') return { faults: [{ path: [], message: 'the schema must be a record at its top' }] };
  return { read: { schema: json as AvroSchema, type } };
}
