import type { WrittenSchema } from '../../lib/topology/avro/avro-type';
import { isPlaceholder } from '../../lib/topology/avro/resolve-schema';
import { AvroSchemaCodec, writerOf } from './avro-message';
import type { SchemaSource } from './ports/host';
import { RecordCodecs } from './record-codecs';

/** A record as its reader's schema describes it. */
export interface ReadRecord {
  readonly value: unknown;
  readonly schema: AvroSchemaCodec;
  /** The record as JSON on one line. */
  json(): string;
}

type Read = (payload: Uint8Array) => ReadRecord;

/**
 * Decodes messages of any writer by a reader's schema: drops fields that the reader does not name, promotes numbers and
 * fills in defaults. Without a reader's schema, or with a placeholder, records are read as written.
 */
export class ReaderProjection {
  private readonly codecs: RecordCodecs;
  private readonly reader: AvroSchemaCodec | undefined;
  private readonly reads = new Map<string, Read>();

  constructor(reader: WrittenSchema | undefined, schemas: SchemaSource) {
    this.codecs = new RecordCodecs(schemas);
    this.reader = reader === undefined ? undefined : new AvroSchemaCodec(reader);
  }

  /** Rejects with a FunctionError if the message does not decode, or if its writer's schema does not resolve to the reader's. */
  async read(payload: Uint8Array): Promise<ReadRecord> {
    const fingerprint = writerOf(payload);
    let read = this.reads.get(fingerprint);
    if (read === undefined) {
      read = this.readerOf(await this.codecs.of(payload));
      this.reads.set(fingerprint, read);
    }
    return read(payload);
  }

  private readerOf(writer: AvroSchemaCodec): Read {
    const own = this.reader;
    const reader = own === undefined || isPlaceholder(writer.type, own.type) ? writer : own;
    const decode = reader === writer ? (payload: Uint8Array) => writer.decode(payload) : writer.readAs(reader);
    return (payload) => {
      const value = decode(payload);
      return { value, schema: reader, json: () => reader.json(value) };
    };
  }
}
