import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Produces the records that user code returns. */
export const rawSource = {
  kind: 'source',
  code: 'required',
  schema: 'required',
  hasSideOutputs: true,
  batch: {
    ends: false,
    warning: 'in batch mode, a raw-source runs until its function returns None, and the flow does not end before',
  },
  connectsTo: 'nothing',
  codeConnectsToAddr: true,
} as const satisfies FunctionTypeDescriptor;
