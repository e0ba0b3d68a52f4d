import type { FunctionTypeDescriptor } from './function-type-descriptor';
import { subjectTopics } from './server-topics';

/** Publishes each record on a subject. Without `addr`, the server is the flow's own. */
export const natsSink = {
  kind: 'sink',
  code: 'none',
  schema: 'optional',
  topics: subjectTopics,
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'nats-server',
  addr: 'optional',
} as const satisfies FunctionTypeDescriptor;
