import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Calls user code for each record; the code returns none, one or several. */
export const raw = {
  kind: 'process',
  code: 'optional',
  schema: 'optional',
  hasSideOutputs: true,
  batch: { ends: true },
  connectsTo: 'nothing',
  codeConnectsToAddr: false,
} as const satisfies FunctionTypeDescriptor;
