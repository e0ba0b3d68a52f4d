import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KFlowError } from '../../../lib/errors';
import { compileTaskFlow } from '../../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';

export interface LoadedTaskFlow {
  /** Name of the file in messages. */
  readonly name: string;
  /** Undefined when the file cannot be read. */
  readonly text?: string;
  /** Undefined when a problem is an error. */
  readonly graph?: TaskGraph;
  readonly problems: readonly Problem[];
}

/** Whether a file is a task flow, by its name. */
export function isTaskFlow(file: string): boolean {
  return path.extname(file) === '.flow';
}

/** Reads and compiles a task flow (`-` reads stdin). An unreadable file is reported as a problem. */
export function loadTaskFlow(file: string): LoadedTaskFlow {
  const name = file === '-' ? '<stdin>' : file;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file));
  } catch (error) {
    const message = `cannot read the file: ${(error as Error).message}`;
    return { name, problems: [{ severity: 'error', code: 'syntax', file: name, line: 1, col: 1, path: '', message }] };
  }
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
