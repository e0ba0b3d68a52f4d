import type { FunctionTypeDescriptor } from './function-type-descriptor';

/** Runs the tasks of a task namespace, its id or `groupId`, which task flows request. */
export const taskWorker = {
  kind: 'worker',
  code: 'none',
  schema: 'optional',
  hasSideOutputs: false,
  batch: { ends: false, warning: 'a task-worker runs until it is stopped, and the flow does not end before' },
  connectsTo: 'nothing',
  codeConnectsToAddr: false,
} as const satisfies FunctionTypeDescriptor;
