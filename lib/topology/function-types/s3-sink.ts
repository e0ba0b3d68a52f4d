import { bucketTopics } from './bucket-topics';
import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Writes each record as a JSON object into a bucket, or each bulk as an object. */
export const s3Sink = {
  kind: 'sink',
  code: 'none',
  schema: 'optional',
  formats: ['json', 'avro', 'parquet'],
  bulkFormats: ['avro', 'parquet'],
  topics: bucketTopics('the bucket to write into'),
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'object-store',
} as const satisfies FunctionTypeDescriptor;
