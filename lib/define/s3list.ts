import { avro } from './avro';

/** What an fs-source emits for each object, as `lib/topology/s3list` has it. */
export const s3list = avro.record(
  's3list',
  { url: avro.string, lastModifiedUnixMilli: avro.long, bucket: avro.string, key: avro.string },
  { namespace: 'tech.athea.kosmos' },
);
