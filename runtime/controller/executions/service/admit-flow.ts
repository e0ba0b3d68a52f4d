import { compileTaskFlow } from '../../../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph } from '../../../../lib/tasks/graph/task-graph';
import { type Problem, TopologyError } from '../../../../lib/topology/problem/problem';

/** A task flow that can be run. */
export interface AdmittedFlow {
  readonly graph: TaskGraph;
  readonly warnings: readonly Problem[];
}

/** Compiles the text of a task flow. Throws TopologyError with every problem. */
export function admitFlow(text: string): AdmittedFlow {
  const { flow, problems } = compileTaskFlow(text, 'flow');
  if (flow === undefined) throw new TopologyError(problems);
  return { graph: flow, warnings: problems };
}
