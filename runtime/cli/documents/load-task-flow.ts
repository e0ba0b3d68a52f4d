import { existsSync } from 'node:fs';
import path from 'node:path';
import { TaskFlowDefinition } from '../../../lib/define/task-flows/task-flow-definition';
import { KFlowError } from '../../../lib/errors';
import { compileTaskFlow } from '../../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { isTaskFlowText } from '../../../lib/tasks/language/is-task-flow-text';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import { isProgram, loadProgram, placeOfName } from './load-definition';
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

/**
 * Whether a file is a task flow: by its name; for a program, by what it exports; where the name leaves it open, as for stdin
 * (`-`), by its content. Throws ConfigError for a program that fails.
 */
export function isTaskFlow(file: string): boolean {
  if (path.extname(file) === '.flow') return true;
  if (/\.ya?ml$/.test(file)) return false;
  if (isProgram(file)) return existsSync(file) && loadProgram(file) instanceof TaskFlowDefinition;
  const { text } = readDocument(file);
  return text !== undefined && isTaskFlowText(text);
}

/**
 * Reads and compiles a task flow (`-` reads stdin), or runs the program that defines it; its text is then the JSON form. An
 * unreadable file is reported as a problem. Throws ConfigError for a program that fails.
 */
export function loadTaskFlow(file: string): LoadedTaskFlow {
  const { name, text, problem: unreadable, program } = readText(file);
  if (text === undefined) return { name, problems: [unreadable] };
  const { flow, problems } = compileTaskFlow(text, name);
  const placed = program === undefined ? problems : problems.map((problem) => placedInProgram(program, problem));
  return { name, text, problems: placed, ...(flow === undefined ? {} : { graph: flow }) };
}

type TaskFlowText =
  | {
      readonly name: string;
      readonly text: string;
      readonly isDerived: boolean;
      readonly program?: string;
      readonly problem?: undefined;
    }
  | {
      readonly name: string;
      readonly text?: undefined;
      readonly isDerived?: undefined;
      readonly program?: undefined;
      readonly problem: Problem;
    };

/** The text of a task flow; of a program, the JSON form of the flow that it defines. `isDerived`: there is no file of the text. */
export function readText(file: string): TaskFlowText {
  const document = readDocument(file);
  const { name, text } = document;
  if (text === undefined) return { name, problem: document.problem };
  if (!isProgram(file)) return { name, text, isDerived: file === '-' };
  return { name, text: JSON.stringify(loadProgram(file).document(), null, 2), isDerived: true, program: text };
}

/** A problem of the flow that a program defines, with the position at which the program names the task. */
function placedInProgram(program: string, problem: Problem): Problem {
  const [name = ''] = problem.path.replace(/^@task /, '').split('.');
  return { ...problem, ...placeOfName(program, name) };
}

/** A task flow without errors. Prints problems to stderr; throws KFlowError when one of them is an error. */
export function readTaskFlow(file: string): Required<Pick<LoadedTaskFlow, 'name' | 'text' | 'graph'>> {
  const { name, text, graph, problems } = loadTaskFlow(file);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (text === undefined || graph === undefined)
    throw new KFlowError('shape', `${name} has errors; nothing was started`);
  return { name, text, graph };
}
