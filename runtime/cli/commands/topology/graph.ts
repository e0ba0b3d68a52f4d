import { renderMermaid } from '../../../../lib/topology/document/graph';
import { formatProblem } from '../../../../lib/topology/problem/problem';
import { loadTopology } from '../../load-topology';

/** `kflow graph`: a topology as a Mermaid flowchart, on stdout; its problems, if any, on stderr. */
export function graph(file: string, options: { readonly set: readonly string[] }): number {
  const { topology, problems } = loadTopology(file, options.set);
  if (topology === undefined) {
    for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return 1;
  }
  process.stdout.write(renderMermaid(topology));
  return 0;
}
