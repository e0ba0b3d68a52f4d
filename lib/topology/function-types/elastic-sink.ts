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
  notYet: 'this sink is not there yet: it does not run',
} as const satisfies FunctionTypeDescriptor;
