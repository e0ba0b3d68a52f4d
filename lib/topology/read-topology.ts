import { isPlainMap } from '../plain-map';
import { checkDraft } from './check/check-draft';
import { checkShape } from './check/check-shape';
import { completeTopology } from './document/complete-topology';
import { type Purpose, readDraft } from './document/draft';
import type { Topology } from './document/topology';
import { withoutNulls } from './document/without-nulls';
import type { Problem } from './problem/problem';
import { applySets, type DocumentSet } from './read/document-set';
import { kubernetesKind } from './read/kubernetes-kind';
import { parseDocument } from './read/parse-document';
import { ProblemList } from './read/problem-list';

export interface ReadTopologyOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Used as the jobId if the document has none; usually the name of the file. */
  readonly defaultJobId: string;
  /** Values of `--set`, applied in order before anything is checked. */
  readonly sets?: readonly DocumentSet[];
  /** Default: `run`. */
  readonly purpose?: Purpose;
}

export interface TopologyReading {
  /** Present if no problem is an error. */
  readonly topology?: Topology;
  /** All problems, in the order of the text. */
  readonly problems: readonly Problem[];
}

/** Reads a topology from YAML or JSON. Returns all problems, and the completed topology if none is an error. */
export function readTopology(text: string, options: ReadTopologyOptions): TopologyReading {
  const { file, defaultJobId, sets = [], purpose = 'run' } = options;
  const kind = kubernetesKind(text);
  if (kind !== undefined) {
    const message = `this is a Kubernetes object of the kind ${kind}, not a topology`;
    return { problems: [{ severity: 'error', code: 'shape', file, line: 1, col: 1, path: '', message }] };
  }
  const parsed = parseDocument(text, file);
  if (parsed.source === undefined) return { problems: inOrder(parsed.problems) };
  const { source, problems: setProblems } = applySets(parsed.source, sets);
  const root = withoutNulls(source.value);
  const list = new ProblemList(source);
  checkShape(root, list);
  const draft = readDraft(isPlainMap(root) ? root : {}, { written: source.value, defaultJobId });
  checkDraft(draft, list, purpose);
  const problems = inOrder([...parsed.problems, ...setProblems, ...list.all]);
  if (problems.some(({ severity }) => severity === 'error')) return { problems };
  return { topology: completeTopology(draft), problems };
}

/** Sorted by position. Problems of `--set` come first, because they have none. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort(
    (one, other) =>
      Number(other.file === '--set') - Number(one.file === '--set') || one.line - other.line || one.col - other.col,
  );
}
