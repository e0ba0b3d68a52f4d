import { applySets } from './apply-sets';
import { checkDraft } from './check-draft';
import { checkShape } from './check-shape';
import { checkText } from './check-text';
import { completeTopology } from './complete-topology';
import { readDraft } from './draft';
import { parseDocument } from './parse-document';
import type { DocumentSet } from './parse-set';
import { isPlainMap } from './plain-map';
import type { Problem } from './problem';
import { ProblemList } from './problem-list';
import type { Purpose } from './purpose';
import type { Topology } from './topology';
import { withoutNulls } from './without-nulls';

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
