import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { setOption, topologyFile } from '../../frame/shared-options';

export const graph = defineCommand({
  name: 'graph',
  summary: 'print a topology as a Mermaid flowchart',
  arguments: { file: topologyFile },
  options: { set: setOption },
  async run({ file, set }) {
    const { formatProblem } = await import('../../../../lib/topology/problem/problem.js');
    const { loadTopology } = await import('../../documents/load-topology.js');
    const { renderMermaid } = await import('./render-mermaid.js');
    const { topology, problems } = loadTopology(file, set);
    if (topology === undefined) {
      for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
      return ExitStatus.Failed;
    }
    process.stdout.write(renderMermaid(topology));
    return ExitStatus.Done;
  },
});
