import path from 'node:path';
import { inlineModule } from '../../../lib/constructs/bundle-modules';
import { KFlowError } from '../../../lib/errors';
import { type Component, isComponentDocument, readComponent } from '../../../lib/revisions/document/read-component';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import { parseDocument } from '../../../lib/topology/read/parse-document';
import { renderDocument } from './flow-file';
import { isProgram } from './load-definition';
import { readDocument } from './read-document';

export interface LoadedComponent {
  /** Name of the file in messages. */
  readonly name: string;
  /** The document, with the code of its module. Undefined when a problem is an error. */
  readonly text?: string;
  readonly component?: Component;
  readonly problems: readonly Problem[];
}

/** Whether a file is a component document (`-` reads stdin); false for one that cannot be read. */
export function isComponent(file: string): boolean {
  if (isProgram(file) || path.extname(file) === '.flow') return false;
  const { text } = readDocument(file);
  return text !== undefined && isComponentDocument(text);
}

/** Reads a component document with the code of its module (`-` reads stdin). A file that cannot be read is a problem. */
export function loadComponent(file: string): LoadedComponent {
  const document = readDocument(file);
  const { name, text } = document;
  if (text === undefined) return { name, problems: [document.problem] };
  const { component, problems } = readComponent(text, name);
  if (component?.module === undefined)
    return { name, text, problems, ...(component === undefined ? {} : { component }) };
  const { source } = parseDocument(text, name);
  if (source === undefined) throw new Error(`${name} was read, and cannot be parsed`);
  try {
    const { module, language } = component;
    const inlined = inlineModule({ module, language }, path.dirname(path.resolve(file)));
    const { module: _, ...others } = source.value as { readonly module?: unknown };
    return { name, text: renderDocument({ ...others, ...inlined }), component, problems };
  } catch (error) {
    if (!(error instanceof KFlowError)) throw error;
    const { code, message } = error;
    const problem: Problem = { severity: 'error', code, ...source.positionOf(['module']), path: 'module', message };
    return { name, problems: [...problems, problem] };
  }
}

/** A component without errors. Prints problems to stderr; throws KFlowError when one of them is an error. */
export function readComponentFile(file: string): Required<Omit<LoadedComponent, 'problems'>> {
  const { name, text, component, problems } = loadComponent(file);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (text === undefined || component === undefined)
    throw new KFlowError('shape', `${name} has errors; nothing was published`);
  return { name, text, component };
}
