import type { Topology } from '../../../../lib/topology/document/topology';
import { kindOf } from '../../../../lib/topology/function-types/function-type';
import type { FunctionKind } from '../../../../lib/topology/function-types/function-type-descriptor';

const shapes: { readonly [kind in FunctionKind]: readonly [string, string] } = {
  source: ['([', '])'],
  process: ['[', ']'],
  sink: ['[(', ')]'],
  worker: ['[[', ']]'],
};

/**
 * The topology as a Mermaid flowchart: a shape for each kind of function, side outputs as dotted edges. Nodes are numbered,
 * because an id may be a keyword of Mermaid, such as `end`; no id contains a character that Mermaid would interpret.
 */
export function renderMermaid({ dag }: Topology): string {
  const nodes = new Map(dag.map(({ id }, index) => [id, `f${index}`]));
  const declarations = dag.map(({ id, type }) => {
    const [open, close] = shapes[kindOf(type)];
    return `  ${nodes.get(id)}${open}"${id}<br/><small>${type}</small>"${close}`;
  });
  const edges = dag.flatMap(({ id, out, sideOuts }) => [
    ...out.map((to) => `  ${nodes.get(id)} --> ${nodes.get(to)}`),
    ...sideOuts.flatMap((side) => side.out.map((to) => `  ${nodes.get(id)} -. "${side.id}" .-> ${nodes.get(to)}`)),
  ]);
  return ['flowchart LR', ...declarations, ...edges, ''].join('\n');
}
