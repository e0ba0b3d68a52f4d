import { bucketTopics } from './bucket-topics';
import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Writes each record as a JSON object into a bucket. */
export const s3Sink = {
  kind: 'sink',
  code: 'none',
  schema: 'optional',
  topics: bucketTopics('the bucket to write into'),
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'object-store',
  isRunnable: true,
} as const satisfies FunctionTypeDescriptor;
