import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Produces the records that user code returns. */
export const rawSource = {
  kind: 'source',
  code: 'required',
  schema: 'required',
  hasSideOutputs: true,
  batch: {
    ends: false,
    warning: 'in mode batch a raw-source runs until its function returns None; one that never does never ends',
  },
  connectsTo: 'nothing',
  codeConnectsToAddr: true,
  isRunnable: true,
} as const satisfies FunctionTypeDescriptor;
