import { StateError } from '../../errors';
import type { EntryNode, MapNode, SinkNode, TaskGraph, TaskNode } from '../graph/task-graph';
import { isStepNode } from '../graph/task-graph';
import type { ExecutionState, StepState } from './execution-state';
import { GraphReader, isStep } from './graph-reader';
import { KeptSteps } from './kept-steps';
import { isMerged } from './look';
import { ItemRegion, MapRegion, Region } from './region';
import { formatStepId, parseStepId } from './step-id';
import { emptyOutput, joinInputs, mergeInputs } from './step-input';
import { hasOwnOutput, type StepRecord } from './step-record';
import { valuesFor } from './step-values';
import { TaskExecution } from './task-execution';

/**
 * An execution as it was when its state was taken. Throws StateError for a state that does not belong to the graph.
 */
export function restoreExecution(graph: TaskGraph, state: ExecutionState): TaskExecution {
  const reader = new GraphReader(graph);
  const kept = new KeptSteps(reader, readRecords(reader, state.kept ?? {}));
  const execution = new TaskExecution(reader, state.input, state.inputs, kept);
  execution.ending = state.ending;
  execution.outcome = state.outcome;
  for (const [id, look] of Object.entries(state.looks ?? {})) execution.looks.set(id, look);
  for (const record of readRecords(reader, state.steps)) {
    execution.steps.set(formatStepId(record.node.index, record.items), record);
  }
  deriveValues(execution);
  if (state.outcome === undefined) reopen(execution, state);
  return execution;
}

function readRecords(reader: GraphReader, steps: ExecutionState['steps']): readonly StepRecord[] {
  return Object.entries(steps).map(([id, step]) => {
    const { index, items } = parseStepId(id) ?? { index: -1, items: [] };
    const node = reader.graph.nodes[index];
    const depth = reader.depthOf(index);
    if (node === undefined || (items.length !== depth && !isItem(reader, { node, items }))) {
      throw new StateError('state-invalid', `the graph has no step ${id}; the state is that of another graph`);
    }
    const record: StepRecord = { node, items, ...fieldsOf(step) };
    if (record.output !== undefined && (!hasOwnOutput(node) || step.status !== 'succeeded')) record.isPinned = true;
    return record;
  });
}

/** Whether a record is that of an item of a map. */
function isItem(reader: GraphReader, { node, items }: Pick<StepRecord, 'node' | 'items'>): boolean {
  return node.kind === 'map' && items.length === reader.depthOf(node.index) + 1;
}

const emittedWhen = {
  skip: 'value',
  catch: 'value',
  'skip-rest': 'nothing',
  'catch-empty': 'nothing',
  tolerated: undefined,
} as const;

function fieldsOf(step: StepState): Omit<StepRecord, 'node' | 'items'> {
  const { status } = step;
  const stored = 'output' in step ? { output: step.output } : {};
  switch (status) {
    case 'running':
      return { status, input: step.input };
    case 'succeeded':
      return { status, emitted: 'value', ...stored, input: step.input };
    case 'passed':
      return { status, emitted: 'value', ...stored };
    case 'skipped':
      return { status, emitted: 'nothing' };
    case 'canceled':
      return { status };
    case 'failed': {
      const { error, handled } = step;
      return { status, error, handled, ...stored, emitted: handled && emittedWhen[handled] };
    }
  }
}

/** Computes inputs and outputs that are not stored, each after those that it depends on. */
function deriveValues(execution: TaskExecution): void {
  const { reader, steps } = execution;
  const instances = new Map<number, StepRecord[]>();
  for (const record of steps.values()) {
    if (isItem(reader, record)) continue;
    const found = instances.get(record.node.index);
    if (found === undefined) instances.set(record.node.index, [record]);
    else found.push(record);
  }
  for (const node of inDependencyOrder(reader)) {
    if (node.kind === 'sink') deriveOutputs(execution, node, instances.get(node.begin) ?? []);
    for (const record of instances.get(node.index) ?? []) deriveRecord(execution, record);
  }
}

function deriveRecord(execution: TaskExecution, record: StepRecord): void {
  const { node, items, status } = record;
  if (node.kind === 'start') record.input = execution.input;
  else if (node.kind !== 'catch' && node.kind !== 'finally' && status !== 'skipped' && hadInput(execution, record)) {
    record.input = inputOf(execution, record);
  }
  if (node.kind === 'map' && Array.isArray(record.input)) {
    record.input.forEach((item: unknown, index) => {
      const itemRecord = execution.steps.get(formatStepId(node.index, [...items, index]));
      if (itemRecord !== undefined) itemRecord.input = item;
    });
  }
  if (record.isPinned) return;
  if (node.kind === 'source') record.output = node.value;
  else if (status === 'passed' || record.handled === 'skip' || node.kind === 'store') record.output = record.input;
}

/** Of what was canceled, a region that ran had an input, on which its steps depend. */
function hadInput({ steps }: TaskExecution, { node, items, status }: StepRecord): boolean {
  if (status !== 'canceled') return true;
  return node.kind === 'flow' || (node.kind === 'map' && steps.has(formatStepId(node.index, [...items, 0])));
}

function inputOf(execution: TaskExecution, { node, items, status }: StepRecord): unknown {
  const { reader, steps, inputs, looks } = execution;
  const id = formatStepId(node.index, items);
  const look = looks.get(id);
  if (look !== undefined && 'input' in look) return look.input;
  const joined = id in inputs ? inputs[id] : joinInputs(valuesFor({ reader, steps }, node, items));
  // a step that failed at the merge has its input unmerged
  if (
    !isMerged(node) ||
    look !== undefined ||
    (status === 'failed' && Array.isArray(joined) && !joined.every(isObject))
  )
    return joined;
  return mergeInputs(joined);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a region passes on, at its sink. */
function deriveOutputs(execution: TaskExecution, sink: SinkNode, records: readonly StepRecord[]): void {
  const entry = execution.reader.node(sink.begin);
  for (const record of records) {
    if (entry.kind === 'map') deriveItems(execution, entry, record);
    if (record.isPinned) continue;
    if (record.handled === 'skip') record.output = record.input;
    if (record.status !== 'succeeded') continue;
    if (entry.kind === 'map') {
      const list = record.input as readonly unknown[];
      record.output = list.map((_, index) => itemRecord(execution, record, index)?.output);
    } else if (entry.kind === 'flow') record.output = endValue(execution, sink, record.items);
    else if (entry.kind === 'catch') {
      const step = execution.steps.get(formatStepId(entry.of, record.items));
      if (step?.handled === 'catch' && !step.isPinned) step.output = endValue(execution, sink, record.items);
    }
  }
}

function endValue(execution: TaskExecution, sink: SinkNode, items: readonly number[]): unknown {
  const look = execution.looks.get(formatStepId(sink.index, items));
  if (look !== undefined && 'input' in look) return look.input;
  const joined = joinInputs(valuesFor(execution, sink, items));
  return sink.merge === true ? mergeInputs(joined) : joined;
}

function deriveItems(execution: TaskExecution, map: MapNode, { input, items }: StepRecord): void {
  const { reader, steps } = execution;
  const body = reader.node(map.to[0] ?? map.end);
  if (!Array.isArray(input)) return;
  for (const index of input.keys()) {
    const inner = [...items, index];
    const item = steps.get(formatStepId(map.index, inner));
    if (item?.status === 'failed') item.output = { error: item.error };
    if (item?.status !== 'succeeded') continue;
    const done = steps.get(formatStepId(body.index, inner));
    item.output = done?.emitted === 'value' ? done.output : emptyOutput;
  }
}

function itemRecord({ steps }: TaskExecution, map: StepRecord, index: number): StepRecord | undefined {
  return steps.get(formatStepId(map.node.index, [...map.items, index]));
}

/** Nodes such that the values of each depend only on those before. */
function inDependencyOrder(reader: GraphReader): readonly TaskNode[] {
  const { nodes } = reader.graph;
  const followers = nodes.map((node) => [...node.to]);
  for (const node of nodes) {
    if (!isStep(node) || !('catch' in node) || node.catch === undefined) continue;
    const branch = reader.catchOf(node.catch);
    followers[reader.exitOf(node).index]?.push(branch.index);
    followers[branch.end]?.push(...reader.exitOf(node).to);
  }
  const waiting = nodes.map(() => 0);
  for (const index of followers.flat()) waiting[index] = (waiting[index] ?? 0) + 1;
  const order = nodes.filter((node) => waiting[node.index] === 0);
  for (const node of order) {
    for (const index of followers[node.index] ?? []) {
      const left = (waiting[index] ?? 0) - 1;
      waiting[index] = left;
      if (left === 0) order.push(reader.node(index));
    }
  }
  return order;
}

/** The regions that run, with the arrivals that their nodes have had. */
function reopen(execution: TaskExecution, state: ExecutionState): void {
  const { steps, regions, reader } = execution;
  const records = [...steps.values()].sort(
    (one, other) => one.node.index - other.node.index || one.items.length - other.items.length,
  );
  for (const record of records) {
    if (record.status !== 'running') continue;
    if (isStepNode(record.node)) {
      const id = formatStepId(record.node.index, record.items);
      execution.regionOf(record.node, record.items)?.begin(id, record.node);
    } else openRegion(execution, record, state.steps[formatStepId(record.node.index, record.items)]);
  }
  const root = regions.get('0');
  if (root !== undefined && state.ending !== undefined) {
    root.failing = state.ending.status === 'failed' ? { error: state.ending.error } : {};
  }
  for (const record of records) {
    const { node, items, emitted } = record;
    if (isItem(reader, record)) continue;
    if (emitted !== undefined) execution.recount(reader.exitOf(node), items);
    else if (regions.has(formatStepId(node.index, items)) && node.kind !== 'map') execution.recount(node, items);
  }
}

function openRegion(
  { steps, regions, reader }: TaskExecution,
  record: StepRecord,
  stored: StepState | undefined,
): void {
  const { items } = record;
  const node = record.node as EntryNode;
  const id = formatStepId(node.index, items);
  const isOfItem = isItem(reader, record);
  const around = isOfItem ? formatStepId(node.index, items.slice(0, -1)) : formatStepId(node.region, items);
  const parent = node.kind === 'start' || node.kind === 'finally' ? undefined : regions.get(around);
  const region = isOfItem
    ? new ItemRegion(id, node, items, parent)
    : new (node.kind === 'map' ? MapRegion : Region)(id, node, items, parent);
  if (stored?.status === 'running' && stored.failing !== undefined) region.failing = { error: stored.failing };
  regions.set(id, region);
  if (region instanceof MapRegion) {
    for (let item = steps.get(`${id}[0]`); item !== undefined; item = steps.get(`${id}[${region.next}]`)) {
      region.next += 1;
      if (item.status === 'running') region.active += 1;
      if (item.status === 'failed') region.failures += 1;
    }
  } else if (isOfItem && region.failing !== undefined && parent instanceof MapRegion) parent.failures += 1;
}
