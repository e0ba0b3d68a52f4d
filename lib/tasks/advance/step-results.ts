import type { EntryNode, MapNode } from '../graph/task-graph';
import type { GraphReader } from './graph-reader';
import { formatStepId, type StepId } from './step-id';
import { hasOwnOutput, type StepRecord } from './step-record';

interface Steps {
  readonly reader: GraphReader;
  readonly steps: ReadonlyMap<StepId, StepRecord>;
}

/**
 * The outputs of the tasks that have succeeded in a region and in the regions within, by name. A map gives a list with the
 * output of each item, `{error}` for a failed one, and null for one without a result.
 */
export function resultsIn(
  { reader, steps }: Steps,
  { entry, items }: { readonly entry: EntryNode; readonly items: readonly number[] },
): { readonly [name: string]: unknown } {
  const results: Record<string, unknown> = {};
  for (let index = entry.index + 1; index < entry.end; index += 1) {
    if (reader.depthOf(index) !== items.length) continue;
    const node = reader.node(index);
    const record = steps.get(formatStepId(index, items));
    if (record === undefined) continue;
    if (node.kind === 'map') {
      if (Array.isArray(record.input)) results[reader.nameOfMap(node)] = itemResults(steps, node, record);
    } else if (hasOwnOutput(node) && record.status === 'succeeded') results[reader.nameOf(node)] = record.output;
  }
  return results;
}

function itemResults(steps: Steps['steps'], map: MapNode, { input, items }: StepRecord): readonly unknown[] {
  return (input as readonly unknown[]).map((_, index) => {
    const item = steps.get(formatStepId(map.index, [...items, index]));
    return item?.status === 'succeeded' || item?.status === 'failed' ? (item.output ?? null) : null;
  });
}
