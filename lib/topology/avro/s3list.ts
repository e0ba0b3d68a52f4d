import type { AvroSchema } from './avro-schema';

/** What an `fs-source` with `format: list` emits for each object: `url` is `s3a://bucket/key`, the time in ms UTC. */
export const s3list: AvroSchema = {
  type: 'record',
  name: 's3list',
  namespace: 'tech.athea.kosmos',
  fields: [
    { name: 'url', type: 'string' },
    { name: 'lastModifiedUnixMilli', type: 'long' },
    { name: 'bucket', type: 'string' },
    { name: 'key', type: 'string' },
  ],
};
