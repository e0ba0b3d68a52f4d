import type { TaskNode } from '../../../../lib/tasks/graph/task-graph';
import type { ExecutionRecord } from '../../executions/ports/execution-service';

/** Changes of a vector with a number for each node, each with its ISO time; the oldest first. */
export type VectorChanges = readonly (readonly [at: string, change: readonly number[]])[];

/** `S` counts the running instances of each node, `A` the arrived outputs that it has not taken yet. */
export interface Vectors {
  readonly S: VectorChanges;
  readonly A: VectorChanges;
}

/** The vectors of an execution, from what its trace says about steps. The items of maps are not counted. */
export function vectorsOf({ graph, trace, detail }: ExecutionRecord): Vectors {
  const maps = mapEnds(graph.nodes, { trace, detail });
  const ends = trace.flatMap(({ at, step = '', what }, place) => [
    ...(isWhole(step) ? [{ at, index: Number(step), what }] : []),
    ...maps.filter((map) => map.place === place).map((map) => ({ at, ...map })),
  ]);
  const omitted = detail.steps.filter(({ step, status }) => isWhole(step) && isOmitted(status));
  const empty = maps.filter(({ place }) => place < 0);
  const replay = new Replay(graph.nodes, new Set([...omitted, ...empty].map(({ index }) => index)));
  const [first] = trace;
  if (first !== undefined) replay.begin(first.at);
  for (const end of ends) replay.end(end);
  return { S: replay.S, A: replay.A };
}

/** Whether a step is not of an item of a map. */
function isWhole(step: string): boolean {
  return /^\d+$/.test(step);
}

/** Whether a step has let pass what arrived, or that nothing did. */
function isOmitted(status: string): boolean {
  return status === 'passed' || status === 'skipped';
}

/** The trace has no end of a map: it ends with its last item, whose place in the trace this is; -1 without items. */
function mapEnds(
  nodes: readonly TaskNode[],
  { trace, detail }: Pick<ExecutionRecord, 'trace' | 'detail'>,
): readonly { readonly place: number; readonly index: number; readonly what: string }[] {
  const isIn = (map: number, index: number): boolean => {
    const region = nodes[index]?.region;
    return region !== undefined && region !== index && (region === map || isIn(map, region));
  };
  const ended = detail.steps.filter(({ step, status }) => isWhole(step) && ['succeeded', 'failed'].includes(status));
  return ended.flatMap(({ index, status }) => {
    if (nodes[index]?.kind !== 'map') return [];
    const place = trace.findLastIndex(({ step = '' }) => step !== '' && isIn(index, Number.parseInt(step, 10)));
    return [{ place, index, what: status }];
  });
}

/** The sum of all changes. */
export function sumOf(changes: VectorChanges, size: number): number[] {
  return Array.from({ length: size }, (_, index) => changes.reduce((sum, [, change]) => sum + (change[index] ?? 0), 0));
}

interface End {
  readonly at: string;
  readonly index: number;
  readonly what: string;
}

/** Passes tokens along the edges. Nodes that only pass values on end at once. */
class Replay {
  readonly S: [string, number[]][] = [];
  readonly A: [string, number[]][] = [];
  private readonly arrived: number[];
  private readonly running: number[];

  constructor(
    private readonly nodes: readonly TaskNode[],
    /** Steps behind a false guard, or behind something that was skipped. They end when they begin. */
    private readonly omitted: ReadonlySet<number>,
  ) {
    this.arrived = nodes.map(() => 0);
    this.running = nodes.map(() => 0);
  }

  begin(at: string): void {
    this.change(at, () => this.arrive(0));
  }

  end({ at, index, what }: End): void {
    const node = this.nodes[index];
    if (node === undefined || passing.has(node.kind) || this.omitted.has(index)) return;
    if (what === 'failed') this.change(at, () => this.fail(node));
    if (what === 'succeeded') this.change(at, () => this.leave(node));
  }

  /** A failed step counts as running, as it does when it is resumed, unless the flow goes on without it. */
  private fail(node: TaskNode): void {
    const branch = 'catch' in node && node.catch !== undefined ? this.nodes[node.catch] : undefined;
    if (branch !== undefined) this.pass(branch);
    else if (modeOf(node) !== 'fail') this.leave(node);
  }

  /** A step has ended, and what follows gets its output. */
  private leave(node: TaskNode): void {
    this.running[node.index] = 0;
    const exit = node.kind === 'map' || node.kind === 'flow' ? this.nodes[node.end] : node;
    for (const next of exit?.to ?? []) this.arrive(next);
  }

  private pass(node: TaskNode): void {
    const begin = node.kind === 'sink' ? this.nodes[node.begin] : undefined;
    const caught = begin?.kind === 'catch' ? this.nodes[begin.of] : undefined;
    if (caught !== undefined) this.leave(caught);
    else for (const next of node.to) this.arrive(next);
  }

  private arrive(index: number): void {
    const node = this.nodes[index];
    if (node === undefined) return;
    const arrived = (this.arrived[index] ?? 0) + 1;
    const threshold = Math.max(1, node.from.length);
    this.arrived[index] = arrived >= threshold ? arrived - threshold : arrived;
    if (arrived < threshold) return;
    if (this.omitted.has(index)) this.leave(node);
    else if (passing.has(node.kind)) this.pass(node);
    else this.running[index] = 1;
  }

  private change(at: string, act: () => void): void {
    const before = { S: [...this.running], A: [...this.arrived] };
    act();
    const S = this.running.map((each, index) => each - (before.S[index] ?? 0));
    const A = this.arrived.map((each, index) => each - (before.A[index] ?? 0));
    if (S.some((each) => each !== 0)) this.S.push([at, S]);
    if (A.some((each) => each !== 0)) this.A.push([at, A]);
  }
}

const passing: ReadonlySet<string> = new Set(['start', 'source', 'flow', 'sink']);

function modeOf(node: TaskNode): string {
  if (node.kind === 'task') return node.policy.optional;
  return 'optional' in node ? node.optional : 'fail';
}
