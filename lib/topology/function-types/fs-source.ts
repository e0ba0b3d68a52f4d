import { s3list } from '../avro/s3list';
import { bucketTopics } from './bucket-topics';
import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Lists the objects of a bucket, one record for each. */
export const fsSource = {
  kind: 'source',
  code: 'none',
  schema: 'optional',
  implicitSchema: s3list,
  format: 'required',
  topics: bucketTopics('the bucket to read'),
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'object-store',
  isRunnable: true,
} as const satisfies FunctionTypeDescriptor;
