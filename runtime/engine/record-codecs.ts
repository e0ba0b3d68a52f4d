import { AvroSchemaCodec, writerOf } from './avro-message';
import type { SchemaSource } from './ports/host';

/** Codecs by fingerprint, one for each writer's schema. */
export class RecordCodecs {
  private readonly byFingerprint = new Map<string, AvroSchemaCodec>();

  constructor(private readonly schemas: SchemaSource) {}

  /** The codec for a message, if its schema is cached. Throws FunctionError when the payload is not an Avro message. */
  known(payload: Uint8Array): AvroSchemaCodec | undefined {
    return this.byFingerprint.get(writerOf(payload));
  }

  /** The codec for a message; reads its schema first if it is not cached. */
  async of(payload: Uint8Array): Promise<AvroSchemaCodec> {
    const fingerprint = writerOf(payload);
    const known = this.byFingerprint.get(fingerprint);
    if (known !== undefined) return known;
    return this.add(await this.schemas.schemaOf(fingerprint));
  }

  add(schema: object | string): AvroSchemaCodec {
    const codec = new AvroSchemaCodec(schema);
    const known = this.byFingerprint.get(codec.fingerprint);
    if (known !== undefined) return known;
    this.byFingerprint.set(codec.fingerprint, codec);
    return codec;
  }
}
