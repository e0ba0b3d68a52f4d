import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Writes each record as a document into an index. */
export const elasticSink = {
  kind: 'sink',
  code: 'none',
  schema: 'optional',
  hasSideOutputs: false,
  batch: { ends: true },
  connectsTo: 'server',
  addr: 'required',
  isRunnable: false,
  notYet: 'this version does not run this sink yet',
} as const satisfies FunctionTypeDescriptor;
