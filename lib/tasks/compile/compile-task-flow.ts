import type { Problem } from '../../topology/problem/problem';
import { GraphReader } from '../advance/graph-reader';
import { readJsonForm } from '../document/read-json-form';
import { TaskFlowProblems } from '../document/task-flow-problems';
import type { TaskGraph } from '../graph/task-graph';
import { isJsonForm } from '../language/is-task-flow-text';
import { parseTaskFlow } from '../language/parse-task-flow';
import type { TaskFlowSyntax } from '../language/syntax';
import { CompileContext } from './compile-context';
import { ScopeCompiler } from './compile-scope';
import { DraftGraph, GraphTooLarge } from './draft-graph';
import { findCycle } from './find-cycle';
import { flowAttributes } from './flow-attributes';
import { TaskDefinitions } from './task-definitions';

export interface TaskFlowReading {
  /** Present if no problem is an error. */
  readonly flow?: TaskGraph;
  /** All problems, in the order of the text. */
  readonly problems: readonly Problem[];
}

/** Compiles a task flow: its text, or its JSON form. `file` is its name in messages. */
export function compileTaskFlow(text: string, file: string): TaskFlowReading {
  const problems = new TaskFlowProblems(text, file);
  const syntax = readSyntax(text, file, problems);
  return syntax === undefined ? { problems: problems.all } : compileSyntax(syntax, problems);
}

/** The syntax tree of a text, with what could be read; undefined for a JSON form with problems. */
export function readSyntax(text: string, file: string, problems: TaskFlowProblems): TaskFlowSyntax | undefined {
  if (isJsonForm(text)) return readJsonForm(text, file, problems);
  const { syntax, faults, warnings, unreadable } = parseTaskFlow(text);
  problems.unreadable = unreadable;
  for (const { offset, message } of warnings)
    problems.add({ severity: 'warning', code: 'syntax', at: offset, message });
  for (const { offset, message } of faults) problems.add({ code: 'syntax', at: offset, message });
  return syntax;
}

/** Compiles a syntax tree; `problems` has those of its text. */
function compileSyntax(syntax: TaskFlowSyntax, problems: TaskFlowProblems): TaskFlowReading {
  const isReadable = !problems.hasErrors;
  const definitions = new TaskDefinitions(syntax.tasks, problems);
  let flow: TaskGraph | undefined;
  try {
    flow = compileGraph(syntax, { definitions, problems, isReadable });
  } catch (error) {
    if (!(error instanceof GraphTooLarge)) throw error;
    problems.add({ code: 'shape', at: 0, message: error.message });
  }
  return problems.hasErrors || flow === undefined ? { problems: problems.all } : { flow, problems: problems.all };
}

interface CompileInput {
  readonly definitions: TaskDefinitions;
  readonly problems: TaskFlowProblems;
  /** Whether the text was read as a whole; otherwise labels may be missing. */
  readonly isReadable: boolean;
}

function compileGraph(syntax: TaskFlowSyntax, { definitions, problems, isReadable }: CompileInput): TaskGraph {
  const context = new CompileContext(new DraftGraph(), definitions, problems, isReadable);
  const { draft } = context;
  const at = problems.positionOf(syntax.flow?.at ?? syntax.statements[0]?.at ?? 0);
  context.addNode(0, { kind: 'start', end: 0, at });
  const scope = new ScopeCompiler(context, 0);
  const ends = scope.compile(syntax.statements);
  const last = syntax.finally;
  const finallyEntry = last && context.addNode(0, { kind: 'finally', end: 0, at: problems.positionOf(last.at) });
  if (last !== undefined && finallyEntry !== undefined) scope.branch(last, finallyEntry);
  scope.close(0, ends);
  checkUnused(context);
  const nodes = draft.finish();
  const attributes = syntax.flow && flowAttributes(syntax.flow, problems);
  const graph: TaskGraph = {
    ...(syntax.flow === undefined ? {} : { name: syntax.flow.name }),
    ...(syntax.flow?.doc === undefined ? {} : { doc: syntax.flow.doc }),
    ...(syntax.flow?.parameters === undefined ? {} : { parameters: syntax.flow.parameters.value }),
    ...(attributes === undefined ? {} : { attributes }),
    nodes,
    ...(finallyEntry === undefined ? {} : { finally: finallyEntry }),
  };
  if (isReadable) checkCycles(graph, problems);
  return graph;
}

/** Subflows that no step uses are checked as well. */
function checkUnused({ definitions, problems, used, isComplete }: CompileContext): void {
  for (const { name, statements = [] } of definitions.subflows) {
    if (used.has(name)) continue;
    const scratch = new CompileContext(new DraftGraph(), definitions, problems, isComplete);
    scratch.addNode(0, { kind: 'start', end: 0, at: problems.positionOf(0) });
    scratch.within({ kind: 'task', name, at: 0 }, () => new ScopeCompiler(scratch, 0).compile(statements));
  }
}

function checkCycles(graph: TaskGraph, problems: TaskFlowProblems): void {
  const cycle = findCycle(graph.nodes);
  if (cycle === undefined) return;
  const reader = new GraphReader(graph);
  const steps = cycle.filter(({ kind }) => kind !== 'sink');
  const names = [...steps, ...steps.slice(0, 1)].map((node) => reader.nameOf(node)).join(' -> ');
  const { line, col } = (steps[0] ?? graph.nodes[0])?.at ?? { line: 1, col: 1 };
  problems.addAt({ line, col }, { code: 'cycle', message: `cycle: ${names}; remove one of the edges` });
}
