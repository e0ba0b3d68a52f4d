import type { TaskNode } from '../graph/task-graph';
import type { GraphReader } from './graph-reader';
import { formatStepId, type StepId } from './step-id';
import type { StepRecord } from './step-record';

interface Steps {
  readonly reader: GraphReader;
  readonly steps: ReadonlyMap<StepId, StepRecord>;
}

/** What the predecessors of a node instance have passed on, in the order of their indexes. */
export function valuesFor({ reader, steps }: Steps, node: TaskNode, items: readonly number[]): readonly unknown[] {
  return node.from.flatMap((index) => {
    const before = reader.node(index);
    const step = before.kind === 'sink' ? reader.node(before.begin) : before;
    const record = steps.get(formatStepId(step.index, items));
    // the first nodes of a region get what its entry got
    if (index === node.region) return [record?.input];
    return record?.emitted === 'value' ? [record.output] : [];
  });
}
