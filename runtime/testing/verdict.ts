import type { TestDocument } from '../../lib/topology/document/test-case-schema';
import { compareLists, type ListComparison } from './compare-lists';
import type { Expected } from './expected';
import { matchesValue } from './match-value';
import type { ObservedFailure } from './observe';
import type { TestRun } from './run-plan';

/** One way in which a test differs from what it expects. */
export type Discrepancy =
  /** The functions did not process the whole input. */
  | { readonly is: 'unfinished'; readonly message: string }
  /** A line of the input ended no replica. */
  | { readonly is: 'unreached'; readonly path: string }
  /** The test expects nothing. */
  | { readonly is: 'nothing-expected' }
  | { readonly is: 'output'; readonly edge: string; readonly comparison: ListComparison }
  | { readonly is: 'letters' | 'errors'; readonly comparison: ListComparison };

type ExpectedFailure = NonNullable<TestDocument['letters']>[number];

/** Every way in which a run differs from what its test expects; none if the test passes. */
export function findDiscrepancies(expected: Expected, run: TestRun): readonly Discrepancy[] {
  const found: Discrepancy[] = [];
  if (run.failure !== undefined) found.push({ is: 'unfinished', message: run.failure });
  else for (const path of run.unreached) found.push({ is: 'unreached', path });
  const { outputs, letters, errors, inOrder } = expected;
  if (outputs === undefined && letters === undefined && errors === undefined) found.push({ is: 'nothing-expected' });
  for (const [edge, records] of outputs ?? []) {
    const comparison = compareLists(records, run.outputs.get(edge) ?? [], { inOrder });
    if (!comparison.isSame) found.push({ is: 'output', edge, comparison });
  }
  for (const [is, comparison] of [
    ['letters', compareFailures(letters ?? [], run.letters)],
    ['errors', compareFailures(errors ?? [], errors === undefined ? unlettered(run) : run.errors)],
  ] as const) {
    if (!comparison.isSame) found.push({ is, comparison });
  }
  return found;
}

/** The errors of records that did not become letters. */
export function unlettered({ errors, letters }: TestRun): readonly ObservedFailure[] {
  const origins = new Set(letters.map(({ origin }) => origin));
  return errors.filter(({ origin }) => !origins.has(origin));
}

/** Observed failures have more fields than tests name. Texts of several lines are compared as one. */
function compareFailures(expected: readonly ExpectedFailure[], observed: readonly ObservedFailure[]): ListComparison {
  return compareLists(expected, observed, { inOrder: false, isSame: isFailure });
}

function isFailure(expected: unknown, observed: unknown): boolean {
  const seen = observed as { readonly [field: string]: unknown };
  return Object.entries(expected as object).every(([field, value]) => {
    return matchesValue(oneLine(value), oneLine(seen[field]));
  });
}

function oneLine(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\s+/g, ' ').trim() : value;
}
