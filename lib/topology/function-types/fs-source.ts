import type { AvroSchema } from '../avro/avro-type';
import { bucketPatternTopics } from './bucket-topics';
import type { FunctionTypeDescriptor } from './function-type-descriptor';

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

/** Lists the objects of a bucket, one record for each. */
export const fsSource = {
  kind: 'source',
  code: 'none',
  schema: 'optional',
  implicitSchema: s3list,
  format: 'required',
  formats: ['list'],
  topics: bucketPatternTopics('the bucket to read'),
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'object-store',
} as const satisfies FunctionTypeDescriptor;
