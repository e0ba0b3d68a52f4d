import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSet } from '../../lib/topology/parse-set';
import type { Problem } from '../../lib/topology/problem';
import type { Purpose } from '../../lib/topology/purpose';
import { readTopology } from '../../lib/topology/read-topology';
import type { Topology } from '../../lib/topology/topology';
import { isProgram, loadDefinition } from './load-definition';

export interface LoadedTopology {
  readonly topology?: Topology;
  readonly problems: readonly Problem[];
}

/**
 * Reads a topology's file, or runs the program that defines it, with the values of `--set`. A file that cannot be read is
 * a problem like any other. Throws ConfigError when a program fails.
 */
export function loadTopology(file: string, sets: readonly string[], purpose: Purpose = 'run'): LoadedTopology {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const message = `cannot be read: ${reasonOf(error)}`;
    return { problems: [{ severity: 'error', code: 'syntax', file, line: 1, col: 1, path: '', message }] };
  }
  const options = { file, defaultJobId: path.parse(file).name, sets: sets.map(parseSet), purpose };
  if (!isProgram(file)) return readTopology(text, options);
  const document = loadDefinition(file);
  const { topology, problems } = readTopology(JSON.stringify(document), options);
  return { topology, problems: problems.map((problem) => placedIn(text, problem, document)) };
}

/** A problem of a document that a program made, at the line of the program that names the function it is of. */
function placedIn(program: string, problem: Problem, document: object): Problem {
  if (problem.file === '--set') return problem;
  const { dag } = document as { readonly dag?: readonly { readonly id?: string }[] };
  const id = dag?.[Number(/^dag\[(\d+)\]/.exec(problem.path)?.[1])]?.id;
  const before = id === undefined ? [''] : program.split(new RegExp(`(?=['"\`]${id}['"\`])`))[0]?.split('\n');
  return { ...problem, line: before?.length ?? 1, col: (before?.at(-1)?.length ?? 0) + 1 };
}

const reasons: { readonly [code: string]: string } = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory without YAML or JSON files',
  EACCES: 'it is not readable for this user',
  ELOOP: 'its links run in a circle',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
