import type { TaskStepNode } from '../graph/task-graph';
import { formatStepId } from './step-id';
import type { StepRecord } from './step-record';
import type { TaskExecution } from './task-execution';

/**
 * The task that starts as soon as a step has succeeded, with exactly its output and with parameters that are known before.
 * Undefined if what follows depends on anything else, but for a failure or cancel around it.
 */
export function certainNext(
  { reader, inputs, kept }: Pick<TaskExecution, 'reader' | 'inputs' | 'kept'>,
  { node, items }: Pick<StepRecord, 'node' | 'items'>,
): TaskStepNode | undefined {
  const [index, ...others] = node.to;
  if (index === undefined || others.length > 0) return undefined;
  const next = reader.node(index);
  if (next.kind !== 'task' || next.region !== node.region || next.from.length > 1) return undefined;
  if (next.merge === true || next.guard !== undefined || (next.templates ?? []).length > 0) return undefined;
  const id = formatStepId(index, items);
  return id in inputs || kept?.has(id) === true ? undefined : next;
}
