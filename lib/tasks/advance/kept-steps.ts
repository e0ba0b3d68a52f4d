import type { TaskNode } from '../graph/task-graph';
import type { StepState } from './execution-state';
import type { GraphReader } from './graph-reader';
import { formatStepId, type StepId } from './step-id';
import { type StepRecord, stateOf } from './step-record';

/**
 * What a resumed execution takes over from the one before: steps that have succeeded or whose failure was handled, until the
 * execution reaches them. Their outputs count as they are, since other inputs may be given now.
 */
export class KeptSteps {
  private readonly records = new Map<StepId, StepRecord>();
  private readonly instances = new Map<number, Set<StepId>>();

  constructor(
    private readonly reader: GraphReader,
    records: Iterable<StepRecord>,
  ) {
    for (const record of records) {
      const id = formatStepId(record.node.index, record.items);
      this.records.set(id, { ...record, isPinned: true });
      const found = this.instances.get(record.node.index);
      if (found === undefined) this.instances.set(record.node.index, new Set([id]));
      else found.add(id);
    }
  }

  has(id: StepId): boolean {
    return this.records.has(id);
  }

  /** Moves the records of a step into an execution, and returns that of the step; undefined if the step has to run. */
  take(id: StepId, into: Map<StepId, StepRecord>): StepRecord | undefined {
    const record = this.records.get(id);
    if (record === undefined) return undefined;
    const { node, items, status, emitted } = record;
    const isOver = emitted !== undefined && (status === 'succeeded' || status === 'failed');
    if (!isOver || isInBranch(this.reader, node)) {
      this.remove(id);
      return undefined;
    }
    if ('end' in node) this.moveRange(node.index, node.end, { items, into });
    if ('catch' in node && node.catch !== undefined) {
      this.moveRange(node.catch, this.reader.catchOf(node.catch).end, { items, into });
    }
    this.move(id, into);
    return into.get(id);
  }

  remove(id: StepId): void {
    const record = this.records.get(id);
    this.records.delete(id);
    if (record !== undefined) this.instances.get(record.node.index)?.delete(id);
  }

  values(): Iterable<StepRecord> {
    return this.records.values();
  }

  /** Undefined if nothing is left to take over. */
  state(): { readonly [id: StepId]: StepState } | undefined {
    if (this.records.size === 0) return undefined;
    return Object.fromEntries([...this.records].map(([id, record]) => [id, stateOf(record)]));
  }

  private moveRange(
    from: number,
    to: number,
    { items, into }: { readonly items: readonly number[]; readonly into: Map<StepId, StepRecord> },
  ): void {
    for (let index = from; index < to; index += 1) {
      const isSingle = this.reader.depthOf(index) === items.length && this.reader.node(index).kind !== 'map';
      const ids = isSingle ? [formatStepId(index, items)] : [...(this.instances.get(index) ?? [])];
      for (const id of ids) {
        const record = this.records.get(id);
        if (record !== undefined && items.every((item, at) => record.items[at] === item)) this.move(id, into);
      }
    }
  }

  private move(id: StepId, into: Map<StepId, StepRecord>): void {
    const record = this.records.get(id);
    if (record !== undefined) into.set(id, record);
    this.remove(id);
  }
}

/** Whether a node is in a branch of `catch` or `@finally`, which runs anew with what it belongs to. */
export function isInBranch(reader: GraphReader, node: TaskNode): boolean {
  for (let each = node; each.kind !== 'start'; each = reader.node(each.region)) {
    if (each.kind === 'catch' || each.kind === 'finally') return true;
  }
  return false;
}
