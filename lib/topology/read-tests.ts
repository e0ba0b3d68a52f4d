import { isPlainMap } from '../plain-map';
import { checkShape } from './check/check-shape';
import { type TestDocument, testFileSchema } from './document/test-case-schema';
import { withoutNulls } from './document/without-nulls';
import type { Problem } from './problem/problem';
import type { DocumentSource } from './read/document-source';
import { parseDocument } from './read/parse-document';
import { ProblemList } from './read/problem-list';
import { inOrder } from './read-topology';

/** Tests as they are written, in a file of their own or in a topology. */
export interface TestsReading {
  /** Path of the topology, if a file of tests names one. */
  readonly topology?: string;
  /** Empty if a problem is an error. */
  readonly tests: readonly TestDocument[];
  /** The positions of the tests, at `tests[n]`. */
  readonly source?: DocumentSource;
  readonly problems: readonly Problem[];
}

/** Reads a file of tests. Returns all problems of its shape. */
export function readTestFile(text: string, file: string): TestsReading {
  const { source, problems } = parseDocument(text, file, { name: 'list of tests', key: 'tests' });
  if (source === undefined) return { tests: [], problems };
  const root = withoutNulls(source.value, testFileSchema);
  const list = new ProblemList(source);
  checkShape(root, list, testFileSchema);
  const all = inOrder([...problems, ...list.all]);
  if (all.some(({ severity }) => severity === 'error')) return { tests: [], source, problems: all };
  const { topology, tests } = testFileSchema.parse(root);
  return { ...(topology === undefined ? {} : { topology }), tests, source, problems: all };
}

/** The tests in a topology without errors; problems are those of the topology. */
export function testsInTopology(text: string, file: string): TestsReading {
  const { source } = parseDocument(text, file);
  if (source === undefined || !isPlainMap(source.value)) return { tests: [], problems: [] };
  const { tests = [] } = withoutNulls(source.value) as { readonly tests?: readonly TestDocument[] };
  return { tests, source, problems: [] };
}
