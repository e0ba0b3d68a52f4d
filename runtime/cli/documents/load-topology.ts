import path from 'node:path';
import { WorkerDefinition } from '../../../lib/define/worker-definition';
import { readWorker } from '../../../lib/tasks/worker/read-worker';
import { isWorkerDocument } from '../../../lib/tasks/worker/worker-topology';
import type { Purpose } from '../../../lib/topology/document/draft';
import type { Topology } from '../../../lib/topology/document/topology';
import type { Problem } from '../../../lib/topology/problem/problem';
import { parseSet } from '../../../lib/topology/read/document-set';
import { type ReadTopologyOptions, readTopology } from '../../../lib/topology/read-topology';
import { isProgram, loadDefinition, placeOfName } from './load-definition';
import { readDocument } from './read-document';

export interface LoadedTopology {
  /** Name of the file in messages. */
  readonly name: string;
  readonly topology?: Topology;
  /** The document, or the JSON document that a program defines. Undefined when the file cannot be read. */
  readonly text?: string;
  /** Source of the program that defines the flow, or of the worker document. */
  readonly program?: string;
  /** The file is a worker document, to which the values of `--set` are applied; `text` is its topology. */
  readonly isWorker?: true;
  /** Paths of modules are relative to this directory. */
  readonly baseDir: string;
  readonly problems: readonly Problem[];
}

/** Whether a file is one of tests, by its name. */
export function isTestFile(file: string): boolean {
  return /\.test\.(ya?ml|json)$/.test(file);
}

/**
 * Reads a topology from a file or from stdin (`-`), or runs the program that defines the topology, and applies the values
 * of `--set`. An unreadable file is reported as a problem. Throws ConfigError when a program fails.
 */
export function loadTopology(file: string, sets: readonly string[], purpose: Purpose = 'run'): LoadedTopology {
  const baseDir = path.dirname(path.resolve(file));
  const document = readDocument(file);
  const { name, text } = document;
  if (text === undefined) return { name, baseDir, problems: [document.problem] };
  const options = { file: name, defaultJobId: path.parse(file).name, sets: sets.map(parseSet), purpose };
  if (!isProgram(file)) {
    if (isWorkerDocument(text)) return { name, baseDir, program: text, isWorker: true, ...readWorker(text, options) };
    return { name, text, baseDir, ...readTopology(text, options) };
  }
  const definition = loadDefinition(file);
  if (definition instanceof WorkerDefinition)
    return loadedWorker(definition, { ...options, name, baseDir, program: text });
  const defined = definition.document();
  const written = JSON.stringify(defined);
  const { topology, problems } = readTopology(written, options);
  return {
    name,
    topology,
    text: written,
    program: text,
    baseDir: definition.options.directory ?? baseDir,
    problems: problems.map((problem) => placedIn(text, problem, defined)),
  };
}

function loadedWorker(
  definition: WorkerDefinition,
  {
    name,
    baseDir,
    program,
    ...options
  }: ReadTopologyOptions & Required<Pick<LoadedTopology, 'name' | 'baseDir' | 'program'>>,
): LoadedTopology {
  const document = definition.document();
  const reading = readWorker(JSON.stringify(document), options);
  const problems = reading.problems.map((problem) => placedIn(program, problem, { dag: [{ id: document.worker }] }));
  return { name, baseDir: definition.options.directory ?? baseDir, program, isWorker: true, ...reading, problems };
}

/** A problem in the document of a program, with the position at which the program names the function. */
export function placedIn(program: string, problem: Problem, document: unknown): Problem {
  if (problem.file === '--set') return problem;
  const { dag } = document as { readonly dag?: readonly { readonly id?: string }[] };
  const id = dag?.[Number(/^dag\[(\d+)\]/.exec(problem.path)?.[1])]?.id;
  return { ...problem, ...placeOfName(program, `${id}`) };
}
