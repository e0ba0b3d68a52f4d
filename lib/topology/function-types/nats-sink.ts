import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Publishes each record on a subject. Without `addr`, the server is the flow's own. */
export const natsSink = {
  kind: 'sink',
  code: 'none',
  schema: 'optional',
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'server',
  addr: 'optional',
  isRunnable: false,
  notYet: 'this version does not run this sink yet',
} as const satisfies FunctionTypeDescriptor;
