import type { z } from 'zod';
import { isPlainMap } from '../plain-map';
import { checkDraft } from './check/check-draft';
import { checkShape } from './check/check-shape';
import { completeTopology } from './document/complete-topology';
import { type Purpose, readDraft } from './document/draft';
import { knownKeysAt } from './document/known-keys';
import type { Topology } from './document/topology';
import type { DocumentPath, Problem } from './problem/problem';
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

/**
 * The document without known keys that have no value (`globalConfig:` alone), which count as absent. Avro schemas keep
 * them, because `"default": null` is meaningful there.
 */
export function withoutNulls(document: unknown, schema?: z.ZodType): unknown {
  const strip = (value: unknown, path: DocumentPath): unknown => {
    if (Array.isArray(value)) return value.map((item) => strip(item, [...path, 0]));
    if (!isPlainMap(value)) return value;
    const keys = knownKeysAt(path, schema);
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
