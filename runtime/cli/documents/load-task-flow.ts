import path from 'node:path';
import { KFlowError } from '../../../lib/errors';
import { compileTaskFlow } from '../../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { isTaskFlowText } from '../../../lib/tasks/language/is-task-flow-text';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import { readDocument } from './read-document';

export interface LoadedTaskFlow {
  /** Name of the file in messages. */
  readonly name: string;
  /** Undefined when the file cannot be read. */
  readonly text?: string;
  /** Undefined when a problem is an error. */
  readonly graph?: TaskGraph;
  readonly problems: readonly Problem[];
}

/** Extensions of documents that are no task flows. */
const otherKinds = /\.(ya?ml|[cm]?[jt]s)$/;

/** Whether a file is a task flow: by its name, or by its content where the name leaves it open, as for stdin (`-`). */
export function isTaskFlow(file: string): boolean {
  if (path.extname(file) === '.flow') return true;
  if (otherKinds.test(file)) return false;
  const { text } = readDocument(file);
  return text !== undefined && isTaskFlowText(text);
}

/** Reads and compiles a task flow (`-` reads stdin). An unreadable file is reported as a problem. */
export function loadTaskFlow(file: string): LoadedTaskFlow {
  const document = readDocument(file);
  const { name, text } = document;
  if (text === undefined) return { name, problems: [document.problem] };
  const { flow, problems } = compileTaskFlow(text, name);
  return { name, text, problems, ...(flow === undefined ? {} : { graph: flow }) };
}

/** A task flow without errors. Prints problems to stderr; throws KFlowError when one of them is an error. */
export function readTaskFlow(file: string): Required<Pick<LoadedTaskFlow, 'name' | 'text' | 'graph'>> {
  const { name, text, graph, problems } = loadTaskFlow(file);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (text === undefined || graph === undefined)
    throw new KFlowError('shape', `${name} has errors; nothing was started`);
  return { name, text, graph };
}
