import { isPlainMap } from '../plain-map';
import { checkDraft } from './check/check-draft';
import { checkShape } from './check/check-shape';
import { completeTopology } from './document/complete-topology';
import { type Purpose, readDraft } from './document/draft';
import { knownKeysAt } from './document/known-keys';
import type { Topology } from './document/topology';
import type { DocumentPath, Problem } from './problem/problem';
import { applySets, type DocumentSet } from './read/document-set';
import { parseDocument } from './read/parse-document';
import { ProblemList } from './read/problem-list';

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

/**
 * The document without known keys that hold nothing (`globalConfig:` and no more): they count as absent. Avro schemas
 * stay as they are, since `"default": null` means something there.
 */
function withoutNulls(document: unknown): unknown {
  const strip = (value: unknown, path: DocumentPath): unknown => {
    if (Array.isArray(value)) return value.map((item) => strip(item, [...path, 0]));
    if (!isPlainMap(value)) return value;
    const keys = knownKeysAt(path);
    if (keys.length === 0) return value;
    const kept: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      if (item === null && keys.includes(key)) continue;
      kept[key] = key === 'schema' ? item : strip(item, [...path, key]);
    }
    return kept;
  };
  return strip(document, []);
}
