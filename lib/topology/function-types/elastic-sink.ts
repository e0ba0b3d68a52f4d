import type { FunctionTypeDescriptor } from './function-type-descriptor';
import { indexTopics } from './server-topics';

/** Writes each record as a document into an index of Elasticsearch or OpenSearch. */
export const elasticSink = {
  kind: 'sink',
  code: 'none',
  schema: 'optional',
  topics: indexTopics,
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'search-server',
  addr: 'required',
} as const satisfies FunctionTypeDescriptor;
