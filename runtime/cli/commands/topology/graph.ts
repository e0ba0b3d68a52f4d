import type { Problem } from '../../../../lib/topology/problem/problem';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { setOption } from '../../frame/shared-options';
import { argument, flag } from '../../frame/values';

const drawnFile = argument({
  name: 'file',
  description: 'topology: YAML, JSON, or a program that exports a flow; or a task flow (.flow)',
});

export const graph = defineCommand({
  name: 'graph',
  summary: 'print a topology as a Mermaid flowchart, or a task flow as a state diagram',
  arguments: { file: drawnFile },
  options: { set: setOption, vertical: flag('draw a task flow from top to bottom') },
  async run({ file, set, vertical }) {
    const { isTaskFlow, loadTaskFlow } = await import('../../documents/load-task-flow.js');
    if (isTaskFlow(file)) {
      const { renderTaskMermaid } = await import('../../../../lib/tasks/graph/render-mermaid.js');
      const { graph, problems } = loadTaskFlow(file);
      return print(graph && renderTaskMermaid(graph, { isVertical: vertical }), problems);
    }
    const { loadTopology } = await import('../../documents/load-topology.js');
    const { renderMermaid } = await import('./render-mermaid.js');
    const { topology, problems } = loadTopology(file, set);
    return print(topology && renderMermaid(topology), problems);
  },
});

/** Prints the diagram, or the problems that prevent it. */
async function print(diagram: string | undefined, problems: readonly Problem[]): Promise<ExitStatus> {
  const { formatProblem } = await import('../../../../lib/topology/problem/problem.js');
  if (diagram !== undefined) {
    process.stdout.write(diagram);
    return ExitStatus.Done;
  }
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  return ExitStatus.Failed;
}
