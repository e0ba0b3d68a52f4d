import { isPlainMap } from '../../plain-map';
import type { TaskGraph, TaskNode } from '../graph/task-graph';
import type { ExecutionState, Look, StepState } from './execution-state';
import { formatStepId, parseStepId, type StepId } from './step-id';

/**
 * The state of an execution that has ended, as one of another graph: a step keeps what it had if neither the step nor anything
 * that leads to it has changed. Policies, limits and docs do not count. Everything else is as if it had not run.
 */
export function transferState(from: TaskGraph, state: ExecutionState, to: TaskGraph): ExecutionState {
  const indexes = sameNodes(from, to);
  const isLost = (index: number, step: StepState) => {
    const node = from.nodes[index];
    const caught = node !== undefined && 'catch' in node ? node.catch : undefined;
    const isCaught = step.status === 'failed' && (step.handled === 'catch' || step.handled === 'catch-empty');
    return isCaught && caught !== undefined && !indexes.has(caught);
  };
  const transfer = <T>(values: { readonly [id: StepId]: T }): { readonly [id: StepId]: T } =>
    Object.fromEntries(
      Object.entries(values).flatMap(([id, value]) => {
        const { index, items } = parseStepId(id) ?? { index: -1, items: [] };
        const other = indexes.get(index);
        return other === undefined ? [] : [[formatStepId(other, items), value]];
      }),
    );
  const { inputs, kept, steps, looks, ...rest } = state;
  return {
    ...rest,
    ...(inputs === undefined ? {} : { inputs: transfer(inputs) }),
    ...(kept === undefined ? {} : { kept: transfer<StepState>(kept) }),
    ...(looks === undefined ? {} : { looks: transfer<Look>(looks) }),
    steps: transfer(
      Object.fromEntries(Object.entries(steps).filter(([id, step]) => !isLost(Number.parseInt(id, 10), step))),
    ),
  };
}

/** The index in the other graph of each node that is the same in both. */
function sameNodes(one: TaskGraph, other: TaskGraph): ReadonlyMap<number, number> {
  const signatures = new Signatures();
  const found = new Map<string, number[]>();
  for (const [index, signature] of signatures.of(other).entries()) {
    found.set(signature, [...(found.get(signature) ?? []), index]);
  }
  const same = new Map<number, number>();
  for (const [index, signature] of signatures.of(one).entries()) {
    // of equal steps, the first is the first
    const match = found.get(signature)?.shift();
    if (match !== undefined) same.set(index, match);
  }
  return same;
}

/** Equal for nodes that do the same with the same inputs. */
class Signatures {
  private readonly known = new Map<string, string>();

  /** By index. A region counts as a whole: its entry has the signature of its sink, too. */
  of(graph: TaskGraph): readonly string[] {
    const own: string[] = [];
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of graph.nodes) {
        if (own[node.index] !== undefined || !isReady(node, own)) continue;
        own[node.index] = this.signature(node, own);
        changed = true;
      }
    }
    return graph.nodes.map((node) => (isWhole(node) ? `${own[node.index]}/${own[node.end]}` : `${own[node.index]}`));
  }

  private signature(node: TaskNode, own: readonly string[]): string {
    const { index: _, region, from, to: _to, at: _at, ...fields } = node;
    const {
      policy,
      optional,
      limit,
      tolerate,
      doc,
      catch: _catch,
      end,
      begin,
      of,
      ...rest
    } = fields as {
      readonly [key: string]: unknown;
    };
    const around = node.kind === 'start' ? '' : own[region];
    const branch = typeof of === 'number' ? own[of] : typeof begin === 'number' ? own[begin] : '';
    const text = canonical({ ...rest, around, branch, from: from.map((each) => own[each]) });
    const known = this.known.get(text) ?? `${this.known.size}`;
    this.known.set(text, known);
    return known;
  }
}

function isWhole(node: TaskNode): node is Extract<TaskNode, { readonly kind: 'flow' | 'map' | 'catch' }> {
  return node.kind === 'flow' || node.kind === 'map' || node.kind === 'catch';
}

function isReady(node: TaskNode, own: readonly string[]): boolean {
  const before = [
    ...node.from,
    ...(node.kind === 'start' ? [] : [node.region]),
    ...(node.kind === 'catch' ? [node.of] : []),
  ];
  return before.every((index) => own[index] !== undefined);
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    isPlainMap(each) ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1))) : each,
  );
}
