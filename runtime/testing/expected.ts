import type { TestDocument } from '../../lib/topology/document/test-case-schema';
import { suggest } from '../../lib/topology/problem/nearest-name';
import type { Fault } from './fault';
import { readRecords } from './read-records';
import type { TestedEdge } from './test-plan';

/** What a test expects. */
export interface Expected {
  /** The records by edge; undefined if the test does not say. */
  readonly outputs: ReadonlyMap<string, readonly unknown[]> | undefined;
  readonly letters: TestDocument['letters'];
  readonly errors: TestDocument['errors'];
  /** With the name of a field, records with the same value of it come in order. */
  readonly inOrder: boolean | string;
  /** The edges of the functions that nothing in the test reads. */
  readonly ends: readonly string[];
}

/** Reads what a test expects, with the files that it names. */
export function readExpected(
  test: TestDocument,
  {
    edges,
    ends,
    folder,
  }: { readonly edges: readonly TestedEdge[]; readonly ends: readonly string[]; readonly folder: string },
  faults: Fault[],
): Expected {
  const { output, letters, errors, inOrder = false } = test;
  return { outputs: readOutputs(output, { edges, ends, folder }, faults), letters, errors, inOrder, ends };
}

function readOutputs(
  output: TestDocument['output'],
  {
    edges,
    ends,
    folder,
  }: { readonly edges: readonly TestedEdge[]; readonly ends: readonly string[]; readonly folder: string },
  faults: Fault[],
): Expected['outputs'] {
  if (output === undefined) return undefined;
  const read = (list: string | readonly unknown[], at: readonly (string | number)[]) =>
    readRecords(list, { at, folder }, faults).items.map(({ value }) => value);
  if (typeof output === 'string' || Array.isArray(output)) {
    const [end, ...others] = ends;
    if (end !== undefined && others.length === 0) return new Map([[end, read(output, ['output'])]]);
    const message = `the test ends in several functions; write a map from their names to records: ${ends.join(', ')}`;
    faults.push({ path: ['output'], message });
    return undefined;
  }
  const known = edges.map(({ name }) => name);
  const lists = Object.entries(output).flatMap(([name, list]) => {
    if (known.includes(name)) return [[name, read(list, ['output', name])] as const];
    faults.push({ path: ['output', name], message: `the test has no output "${name}"${suggest(name, known)}` });
    return [];
  });
  return new Map(lists);
}
