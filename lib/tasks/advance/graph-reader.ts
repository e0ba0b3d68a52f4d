import type { CatchNode, FlowNode, MapNode, SinkNode, StepNode, TaskGraph, TaskNode } from '../graph/task-graph';
import { isStepNode } from '../graph/task-graph';
import type { JsonPath } from '../guards/json-path';
import { parseJsonPath } from '../guards/parse-json-path';

/** A node that is a step of its region: it can fail, be skipped and be run again. */
export type Step = StepNode | FlowNode | MapNode;

/** Looks up what follows from a graph, each once. */
export class GraphReader {
  private readonly depths: readonly number[];
  private readonly guards = new Map<number, JsonPath>();
  private readonly repeated: ReadonlySet<string>;

  constructor(readonly graph: TaskGraph) {
    const depths: number[] = [];
    for (const node of graph.nodes) depths.push(this.depthWith(depths, node));
    this.depths = depths;
    const seen = new Set<string>();
    const repeated = new Set<string>();
    for (const node of graph.nodes) {
      const name = ownName(node);
      if (seen.has(name)) repeated.add(name);
      seen.add(name);
    }
    this.repeated = repeated;
  }

  node(index: number): TaskNode {
    const node = this.graph.nodes[index];
    if (node === undefined) throw new RangeError(`the graph has no node ${index}`);
    return node;
  }

  sink(index: number): SinkNode {
    return this.node(index) as SinkNode;
  }

  catchOf(index: number): CatchNode {
    return this.node(index) as CatchNode;
  }

  /** How many maps are around the node, which is the number of items in the ids of its instances. */
  depthOf(index: number): number {
    return this.depths[index] ?? 0;
  }

  /** The node whose edges lead to what follows a step: the sink of a flow or map, else the step. */
  exitOf(step: TaskNode): TaskNode {
    return step.kind === 'flow' || step.kind === 'map' ? this.sink(step.end) : step;
  }

  /** Whether the output of a node alone is the input of a map. */
  leadsToMap({ to }: TaskNode): boolean {
    return to.some((index) => {
      const next = this.node(index);
      if (next.from.length !== 1) return false;
      return next.kind === 'map' || (next.kind === 'sink' && next.merge !== true && this.leadsToMap(next));
    });
  }

  guardOf(node: TaskNode): JsonPath | undefined {
    const path = this.guards.get(node.index) ?? guardIn(node);
    if (path !== undefined) this.guards.set(node.index, path);
    return path;
  }

  /** Name of a node in messages and results: with its index if several nodes have the name. */
  nameOf(node: TaskNode): string {
    const name = ownName(node);
    return this.repeated.has(name) ? `${name}.${node.index}` : name;
  }

  /** Name of the results of a map: that of the step that it runs. */
  nameOfMap(map: MapNode): string {
    return this.nameOf(this.node(map.to[0] ?? map.index));
  }

  private depthWith(depths: readonly number[], { index, region }: TaskNode): number {
    if (index === 0 || region === index) return 0;
    const around = this.node(region);
    return (depths[region] ?? 0) + (around.kind === 'map' ? 1 : 0);
  }
}

/** The guard of a node, parsed. */
export function guardIn(node: TaskNode): JsonPath | undefined {
  return 'guard' in node && node.guard !== undefined ? parseJsonPath(node.guard) : undefined;
}

/** Whether the step only waits: a stop of such a step loses no work. */
export function isWait(node: StepNode): boolean {
  return node.kind === 'approval' || (node.kind === 'task' && node.base.startsWith('wait:'));
}

export function isStep(node: TaskNode): node is Step {
  return isStepNode(node) || node.kind === 'flow' || node.kind === 'map';
}

/** What happens to a failure that no catch takes; nodes without a policy fail. */
export function failureModeOf(node: Step): 'fail' | 'skip' | 'skip-rest' {
  if (node.kind === 'task') return node.policy.optional;
  return 'optional' in node ? node.optional : 'fail';
}

function ownName(node: TaskNode): string {
  if (node.kind === 'load' || node.kind === 'store') return node.uri;
  if (node.kind === 'sink') return 'end';
  return ('name' in node ? node.name : undefined) ?? node.kind;
}
