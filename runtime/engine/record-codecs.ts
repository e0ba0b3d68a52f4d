import { AvroSchemaCodec, writerOf } from './avro-message';
import type { SchemaSource } from './ports/host';

/** Codecs by fingerprint, made once for each schema; the schemas come from wherever the writers put them. */
export class RecordCodecs {
  private readonly byFingerprint = new Map<string, AvroSchemaCodec>();

  constructor(private readonly schemas: SchemaSource) {}

  /** The codec of a message's writer, if it is known already. Throws when the payload is no Avro message. */
  known(payload: Uint8Array): AvroSchemaCodec | undefined {
    return this.byFingerprint.get(writerOf(payload));
  }

  /** The codec of a message's writer. */
  async of(payload: Uint8Array): Promise<AvroSchemaCodec> {
    const fingerprint = writerOf(payload);
    const known = this.byFingerprint.get(fingerprint);
    if (known !== undefined) return known;
    return this.add(await this.schemas.schemaOf(fingerprint));
  }

  add(schema: object): AvroSchemaCodec {
    const codec = new AvroSchemaCodec(schema);
    const known = this.byFingerprint.get(codec.fingerprint);
    if (known !== undefined) return known;
    this.byFingerprint.set(codec.fingerprint, codec);
    return codec;
  }
}
