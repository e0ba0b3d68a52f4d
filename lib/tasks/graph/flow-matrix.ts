import type { TaskGraph, TaskNode } from './task-graph';

/** A graph as a matrix of edges and a list of nodes, each with its kind and its fields. */
export interface FlowMatrix {
  /** `F[i][j]` is 1 if node j gets the output of node i. */
  readonly F: readonly (readonly (0 | 1)[])[];
  readonly T: readonly (readonly [kind: string, node: { readonly index: number }])[];
}

/** The graph as a matrix, which has the square of the number of nodes. */
export function toMatrix({ nodes }: TaskGraph): FlowMatrix {
  const F = nodes.map(({ to }) => {
    const row = new Array<0 | 1>(nodes.length).fill(0);
    for (const index of to) row[index] = 1;
    return row;
  });
  return { F, T: nodes.map((node) => [kindOf[node.kind], fieldsOf(node)] as const) };
}

const kindOf: { readonly [kind in TaskNode['kind']]: string } = {
  start: 'StartFlow',
  source: 'Source',
  load: 'Load',
  store: 'Store',
  task: 'InvokeTask',
  approval: 'InvokeTask',
  flow: 'InvokeFlow',
  map: 'InvokeFlow',
  catch: 'Catch',
  finally: 'Finally',
  sink: 'Sink',
};

function fieldsOf({ kind: _, region: _region, from: _from, to: _to, at: _at, ...fields }: TaskNode) {
  return fields;
}
