import type { Coverage } from '../../../testing/coverage';
import type { Expected } from '../../../testing/expected';
import type { TestRun } from '../../../testing/run-plan';
import type { Discrepancy } from '../../../testing/verdict';

/** The result of one test. */
export interface TestResult {
  readonly name: string;
  readonly file: string;
  /** Line of the test in its file, from 1. */
  readonly line: number;
  /** Index of the test in its file. */
  readonly index: number;
  readonly durationMs: number;
  readonly expected: Expected;
  readonly run: TestRun;
  /** None if the test has passed. */
  readonly discrepancies: readonly Discrepancy[];
  /** The discrepancies as text. */
  readonly report: string;
}

/** The coverage of a topology by the tests that ran. */
export interface TopologyCoverage {
  readonly topology: string;
  readonly coverage: Coverage;
}

export function hasPassed({ discrepancies }: Pick<TestResult, 'discrepancies'>): boolean {
  return discrepancies.length === 0;
}
