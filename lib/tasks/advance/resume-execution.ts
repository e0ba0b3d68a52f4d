import { ConfigError, StateError } from '../../errors';
import type { TaskGraph, TaskNode } from '../graph/task-graph';
import type { ExecutionState } from './execution-state';
import { type GraphReader, isStep } from './graph-reader';
import { KeptSteps } from './kept-steps';
import { restoreExecution } from './restore-execution';
import { formatStepId, parseStepId, type StepId } from './step-id';
import { TaskExecution } from './task-execution';
import { transferState } from './transfer-state';

export interface ResumeOptions {
  /** Input of the execution for all that runs now. Default: the one it had. */
  readonly input?: unknown;
  /** Inputs of single steps, which run again even if they have succeeded. */
  readonly inputs?: { readonly [id: StepId]: unknown };
  /** Steps to run again with everything that follows them, even if they have succeeded. */
  readonly from?: readonly StepId[];
  /**
   * The graph to go on with, instead of that of the state. Steps that are the same there, with everything that leads to them,
   * keep their results. The ids of `inputs` and `from` are those of this graph.
   */
  readonly definition?: TaskGraph;
}

/**
 * An execution that goes on where one has ended; `start` gives its first moves. What has succeeded does not run again, and
 * neither does a step whose failure was handled. Throws StateError while the execution runs, and for a completed one without
 * steps to run again; ConfigError for steps that do not exist.
 */
export function resumeExecution(
  graph: TaskGraph,
  state: ExecutionState,
  { input = state.input, inputs = {}, from = [], definition }: ResumeOptions = {},
): TaskExecution {
  if (state.outcome === undefined)
    throw new StateError('state-invalid', 'the execution has not ended yet; cancel it first');
  const isCompleted = state.outcome.status === 'completed' && definition === undefined;
  const named = [...from, ...Object.keys(inputs)];
  if (isCompleted && named.length === 0) {
    throw new StateError('state-invalid', 'the execution has completed; name the steps to run again');
  }
  const { reader, steps, kept, looks } =
    definition === undefined
      ? restoreExecution(graph, state)
      : restoreExecution(definition, transferState(graph, state, definition));
  const again = new StepsAgain(reader);
  const ids = new Map(named.map((id) => [id, again.add(id)]));
  const edited = Object.entries(inputs).map(([id, value]) => [ids.get(id), value]);
  const records = [...(kept?.values() ?? []), ...steps.values()].filter(
    ({ node, items }) => !again.includes(node, items),
  );
  const all = { ...state.inputs, ...Object.fromEntries(edited) };
  const execution = new TaskExecution(reader, input, all, new KeptSteps(reader, records));
  for (const [id, look] of looks) execution.looks.set(id, look);
  return execution;
}

/** The steps to run again: those that were named, everything within them, and everything that follows. */
class StepsAgain {
  private readonly marked = new Set<StepId>();
  /** Subflows and maps in which a step runs again; their other steps do not. */
  private readonly opened = new Set<StepId>();

  constructor(private readonly reader: GraphReader) {}

  /** Adds a step and what follows it. A step of a catch branch stands for the step that failed. Returns the step's id. */
  add(id: StepId): StepId {
    const { index, items } = parseStepId(id) ?? { index: -1, items: [] };
    let node = this.reader.graph.nodes[index];
    for (let entry = node; entry !== undefined && entry.kind !== 'start'; entry = this.reader.node(entry.region)) {
      if (entry.kind === 'finally') node = undefined;
      else if (entry.kind === 'catch') node = entry = this.reader.node(entry.of);
    }
    const depth = node === undefined ? 0 : this.reader.depthOf(node.index);
    // an item of a map stands for the step that runs for it
    if (node?.kind === 'map' && items.length === depth + 1) node = this.reader.node(node.to[0] ?? 0);
    if (node === undefined || !isStep(node) || items.length !== this.reader.depthOf(node.index)) {
      throw new ConfigError('config-invalid', `the execution has no step "${id}" to run again`);
    }
    this.mark(node, items);
    return formatStepId(node.index, items);
  }

  includes(node: TaskNode, items: readonly number[]): boolean {
    if (this.opened.has(formatStepId(node.index, items))) return true;
    for (let each = node; each.kind !== 'start'; each = this.reader.node(each.region)) {
      if (this.marked.has(formatStepId(each.index, items.slice(0, this.reader.depthOf(each.index))))) return true;
    }
    return false;
  }

  private mark(first: TaskNode, items: readonly number[]): void {
    const open: { readonly node: TaskNode; readonly items: readonly number[] }[] = [{ node: first, items }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const id = formatStepId(next.node.index, next.items);
      if (next.node.kind === 'sink') open.push(...this.open(next.node.begin, next.items));
      else if (!this.marked.has(id)) {
        this.marked.add(id);
        open.push(...this.followers(next.node, next.items));
      }
    }
  }

  /** A region in which a step runs again is not taken over as a whole. */
  private open(begin: number, items: readonly number[]): { node: TaskNode; items: readonly number[] }[] {
    const entry = this.reader.node(begin);
    if (entry.kind !== 'flow' && entry.kind !== 'map') return [];
    const outer = entry.kind === 'map' ? items.slice(0, -1) : items;
    this.opened.add(formatStepId(begin, items));
    const id = formatStepId(begin, outer);
    const isNew = !this.opened.has(id) || entry.kind === 'flow';
    this.opened.add(id);
    return isNew ? this.followers(entry, outer) : [];
  }

  private followers(step: TaskNode, items: readonly number[]): { node: TaskNode; items: readonly number[] }[] {
    return this.reader.exitOf(step).to.map((index) => ({ node: this.reader.node(index), items }));
  }
}
