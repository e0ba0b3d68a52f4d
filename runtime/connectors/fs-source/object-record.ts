import { ConfigError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { S3Location } from '../../../lib/plan/s3-location';
import { s3list } from '../../../lib/topology/function-types/fs-source';
import { AvroSchemaCodec } from '../../engine/avro-message';
import { ReaderProjection } from '../../engine/reader-projection';
import type { ListedObject } from '../connector';

export type EncodeObject = (object: ListedObject) => Promise<Uint8Array>;

/** Encodes an object's `s3list` record in the declared schema. */
export function objectEncoder(schema: FunctionSpec['schema'], { bucket }: S3Location): EncodeObject {
  const listCodec = new AvroSchemaCodec(s3list);
  const declared = schema === undefined ? listCodec : new AvroSchemaCodec(schema);
  const projection = new ReaderProjection(schema, { schemaOf: async () => s3list });
  return async ({ key, lastModifiedMs: lastModifiedUnixMilli }) => {
    const listing = listCodec.encode({ url: `s3a://${bucket}/${key}`, lastModifiedUnixMilli, bucket, key });
    if (listing === undefined)
      throw new ConfigError('record-invalid', `${bucket}/${key}: the object cannot be described as an s3list record`);
    if (declared.fingerprint === listCodec.fingerprint) return listing;
    const { value: record } = await projection.read(listing);
    const payload = declared.encode(record);
    if (payload === undefined)
      throw new ConfigError('schema-incompatible', `schema: does not fit an s3list record: ${declared.misfit(record)}`);
    return payload;
  };
}
