import { FlowDefinition } from './flow-definition';
import type { FlowOptions } from './flow-options';

/** Begins a flow in TypeScript: add its functions with the methods of what it gives, and export that from the file. */
export function defineFlow(options: FlowOptions): FlowDefinition {
  return new FlowDefinition(options);
}
