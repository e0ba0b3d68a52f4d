import type { AvroSchema } from '../../lib/topology/avro/avro-type';
import { schemaConflicts } from '../../lib/topology/avro/resolve-schema';
import { AvroSchemaCodec, writerOf } from './avro-message';
import type { SchemaSource } from './ports/host';
import { RecordCodecs } from './record-codecs';

type Read = (payload: Uint8Array) => unknown;

/**
 * Decodes messages of any writer by a reader's schema: drops fields that the reader does not name, promotes numbers and
 * fills in defaults. Without a reader's schema, or when the writer's does not resolve to it, records are read as written.
 */
export class ReaderProjection {
  private readonly codecs: RecordCodecs;
  private readonly readers = new Map<string, Read>();

  constructor(
    private readonly reader: AvroSchema | undefined,
    schemas: SchemaSource,
  ) {
    this.codecs = new RecordCodecs(schemas);
  }

  async read(payload: Uint8Array): Promise<unknown> {
    const fingerprint = writerOf(payload);
    let read = this.readers.get(fingerprint);
    if (read === undefined) {
      read = readerOf(await this.codecs.of(payload), this.reader);
      this.readers.set(fingerprint, read);
    }
    return read(payload);
  }
}

function readerOf(writer: AvroSchemaCodec, reader: AvroSchema | undefined): Read {
  const asWritten: Read = (payload) => writer.decode(payload);
  if (reader === undefined || schemaConflicts(writer.schema as AvroSchema, reader).length > 0) return asWritten;
  return writer.readAs(new AvroSchemaCodec(withNamesOf(reader, writer.schema) as object)) ?? asWritten;
}

/** The reader's schema with the writer's record names: avsc compares names, which do not matter here. */
function withNamesOf(reader: unknown, writer: unknown): unknown {
  if (!isSchemaObject(reader) || !isSchemaObject(writer) || reader.type !== writer.type) return reader;
  if (reader.type === 'array') return { ...reader, items: withNamesOf(reader.items, writer.items) };
  if (reader.type === 'map') return { ...reader, values: withNamesOf(reader.values, writer.values) };
  if (reader.type !== 'record') return reader;
  const written = new Map((writer.fields ?? []).map((field) => [field.name, field.type]));
  return {
    ...reader,
    name: writer.name,
    namespace: writer.namespace,
    fields: (reader.fields ?? []).map((field) => ({
      ...field,
      type: withNamesOf(field.type, written.get(field.name)),
    })),
  };
}

interface SchemaObject {
  readonly type: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly items?: unknown;
  readonly values?: unknown;
  readonly fields?: readonly { readonly name: string; readonly type: unknown }[];
}

function isSchemaObject(schema: unknown): schema is SchemaObject {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema);
}
