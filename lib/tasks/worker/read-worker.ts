import { isPlainMap, type PlainMap } from '../../plain-map';
import { checkShape } from '../../topology/check/check-shape';
import { withoutNulls } from '../../topology/document/without-nulls';
import { type DocumentPath, formatPath, type Problem } from '../../topology/problem/problem';
import { applySets } from '../../topology/read/document-set';
import type { DocumentSource } from '../../topology/read/document-source';
import { parseDocument } from '../../topology/read/parse-document';
import { ProblemList } from '../../topology/read/problem-list';
import { resolveSetPath } from '../../topology/read/set-path';
import { inOrder, type ReadTopologyOptions, readTopology, type TopologyReading } from '../../topology/read-topology';
import { workerSchema } from './worker-schema';
import { workerPath, workerTopology } from './worker-topology';

export interface WorkerReading extends TopologyReading {
  /** The topology as JSON; absent if the text is no document. */
  readonly text?: string;
}

/**
 * Reads a worker document from YAML or JSON, as the topology of one task-worker. Returns all problems, with their positions in
 * the worker document, and the completed topology if none is an error.
 */
export function readWorker(
  text: string,
  { sets = [], ...options }: Omit<ReadTopologyOptions, 'defaultJobId'>,
): WorkerReading {
  const parsed = parseDocument(text, options.file, { name: 'task worker', key: 'worker' });
  if (parsed.source === undefined) return { problems: inOrder(parsed.problems) };
  const { source, problems: setProblems } = applySets(parsed.source, sets);
  const root = withoutNulls(source.value);
  const list = new ProblemList(source);
  checkShape(root, list, workerSchema);
  const document = workerTopology(isPlainMap(root) ? known(root) : {});
  const written = JSON.stringify(document);
  const { topology, problems: below } = readTopology(written, { ...options, defaultJobId: 'worker' });
  const own = [...parsed.problems, ...setProblems, ...list.all];
  const seen = new Set(own.map(sameness));
  const problems = [
    ...own,
    ...below
      .filter(isOwn(root))
      .map((problem) => placedIn(source, document, problem))
      .filter((each) => !seen.has(sameness(each))),
  ];
  const isValid = problems.every(({ severity }) => severity !== 'error');
  return { text: written, problems: inOrder(problems), ...(isValid && topology !== undefined ? { topology } : {}) };
}

/** Without the keys that the shape check reports. */
function known(root: PlainMap): PlainMap {
  return Object.fromEntries(Object.entries(root).filter(([key]) => Object.hasOwn(workerSchema.shape, key)));
}

/** Whether a problem of the topology is one of the worker document, which is not reported otherwise. */
function isOwn(root: unknown): (problem: Problem) => boolean {
  const hasTasks = isPlainMap(root) && root.tasks !== undefined;
  return ({ path, code }) => (path === 'jobId' ? code !== 'name-invalid' : hasTasks || code !== 'setting-missing');
}

/** A problem of the topology at its place in the worker document. */
function placedIn(source: DocumentSource, topology: PlainMap, problem: Problem): Problem {
  const path = workerPath(pathOf(topology, problem.path));
  return { ...problem, ...source.positionOf(path), path: formatPath(path) };
}

/** The path that a text shows, or that of the innermost value around it that the document has. */
function pathOf(document: PlainMap, text: string): DocumentPath {
  const target = resolveSetPath(document, text);
  if (target.found) return target.path;
  const shorter = text.replace(/(\.[^.[\]]*|\[\d+\]|^[^.[\]]*)$/, '');
  return shorter === text ? [] : pathOf(document, shorter);
}

/** One fault of the shape is reported by both readings. */
function sameness({ path, message }: Problem): string {
  return `${path}\n${message}`;
}
