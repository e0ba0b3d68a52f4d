import { isPlainMap } from '../plain-map';
import { checkDraft } from './check/check-draft';
import { checkShape } from './check/check-shape';
import { checkText } from './check/check-text';
import { completeTopology } from './document/complete-topology';
import { readDraft } from './document/draft';
import type { Purpose } from './document/purpose';
import type { Topology } from './document/topology';
import type { Problem } from './problem/problem';
import { applySets } from './read/apply-sets';
import { parseDocument } from './read/parse-document';
import type { DocumentSet } from './read/parse-set';
import { ProblemList } from './read/problem-list';
import { withoutNulls } from './read/without-nulls';

export interface ReadTopologyOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Name to make a jobId of when the document has none: the file's, usually. */
  readonly defaultJobId: string;
  /** Values of `--set`, applied in order before anything is checked. */
  readonly sets?: readonly DocumentSet[];
  /** Left out: `run`. */
  readonly purpose?: Purpose;
}

export interface TopologyReading {
  /** Present when no problem is an error. */
  readonly topology?: Topology;
  /** All there are, in the order of the text. */
  readonly problems: readonly Problem[];
}

/** Reads a topology from YAML or JSON: every problem at once, and the completed topology when nothing forbids it. */
export function readTopology(text: string, options: ReadTopologyOptions): TopologyReading {
  const { file, defaultJobId, sets = [], purpose = 'run' } = options;
  const parsed = parseDocument(text, file);
  if (parsed.source === undefined) return { problems: inOrder(parsed.problems) };
  const { source, problems: setProblems } = applySets(parsed.source, sets);
  const root = withoutNulls(source.value);
  const list = new ProblemList(source);
  checkShape(root, list);
  checkText(root, [], list);
  const draft = readDraft(isPlainMap(root) ? root : {}, { written: source.value, defaultJobId });
  checkDraft(draft, list, purpose);
  const problems = inOrder([...parsed.problems, ...setProblems, ...list.all]);
  if (problems.some(({ severity }) => severity === 'error')) return { problems };
  return { topology: completeTopology(draft), problems };
}

/** By place; `--set` first, since it has no place in the text. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort(
    (one, other) =>
      Number(other.file === '--set') - Number(one.file === '--set') || one.line - other.line || one.col - other.col,
  );
}
