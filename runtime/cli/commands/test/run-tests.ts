import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { KFlowError } from '../../../../lib/errors';
import type { TestDocument } from '../../../../lib/topology/document/test-case-schema';
import { formatPath, formatProblem, type Problem } from '../../../../lib/topology/problem/problem';
import { type CoveringRun, coverageOf } from '../../../testing/coverage';
import { planTest, type TestPlace } from '../../../testing/plan-test';
import { runPlan } from '../../../testing/run-plan';
import { planInMemory } from '../../../testing/tested-functions';
import { findDiscrepancies } from '../../../testing/verdict';
import { type LoadedTopology, loadTopology } from '../../documents/load-topology';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { findTests, type TestFile } from './find-tests';
import { renderJUnit } from './render-junit';
import { renderReport } from './render-report';
import { renderCoverage, renderEnd, renderJson, renderResult } from './render-results';
import { hasPassed, type TestResult, type TopologyCoverage } from './test-result';
import { updateTests } from './update-tests';

export interface TestOptions {
  readonly files: readonly string[];
  readonly set: readonly string[];
  readonly only: RegExp | undefined;
  readonly update: boolean;
  readonly format: 'text' | 'json';
  readonly junit: string | undefined;
  readonly logs: boolean;
}

/** Runs tests one after another. `Done` when all of them pass, or are updated. */
export async function runTests(options: TestOptions): Promise<ExitStatus> {
  const suite = new TestSuite(options);
  const results = await suite.run(findTests(options.files));
  if (results.length === 0 && !suite.hasProblems) throw usageError(`--only ${options.only?.source}: no test matches`);
  const coverages = suite.coverages();
  if (options.format === 'json') process.stdout.write(renderJson(results, coverages, suite.problems));
  else process.stdout.write(`${renderEnd(results, options.update)}${renderCoverage(coverages)}`);
  if (options.junit !== undefined) writeFileSync(options.junit, renderJUnit(results, suite.problems));
  const isUpdated = options.update && results.every(({ run }) => run.failure === undefined);
  return !suite.hasProblems && (isUpdated || results.every(hasPassed)) ? ExitStatus.Done : ExitStatus.Failed;
}

/** A topology whose tests run. */
interface Tested {
  readonly loaded: LoadedTopology;
  readonly place: Omit<TestPlace, 'folder'> | undefined;
  readonly runs: CoveringRun[];
}

class TestSuite {
  readonly problems: Problem[] = [];
  private readonly topologies = new Map<string, Tested>();

  constructor(private readonly options: TestOptions) {}

  get hasProblems(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }

  async run(files: readonly TestFile[]): Promise<readonly TestResult[]> {
    const results: TestResult[] = [];
    for (const file of files) {
      this.report(file.reading.problems);
      const tested = this.topologyOf(file.topologyFile);
      if (tested.place !== undefined) results.push(...(await this.runFile(file, tested, tested.place)));
    }
    return results;
  }

  coverages(): readonly TopologyCoverage[] {
    return [...this.topologies].flatMap(([topology, { place, runs }]) =>
      place === undefined || runs.length === 0 ? [] : [{ topology, coverage: coverageOf(place.topology, runs) }],
    );
  }

  private async runFile(
    file: TestFile,
    { runs }: Tested,
    place: Omit<TestPlace, 'folder'>,
  ): Promise<readonly TestResult[]> {
    const { only, update, format, logs } = this.options;
    const { tests } = file.reading;
    const results: TestResult[] = [];
    if (format === 'text') process.stdout.write(`${file.file}\n`);
    for (const [index, test] of tests.entries()) {
      if (only?.test(test.name) === false) continue;
      if (tests.findIndex(({ name }) => name === test.name) !== index) {
        this.fault(file, { index, path: ['name'], message: `another test has the name "${test.name}"` });
        continue;
      }
      const result = await this.runTest(file, { test, index, runs, place });
      if (result === undefined) continue;
      results.push(result);
      if (format === 'text') process.stdout.write(renderResult(result, { isUpdated: update, withLogs: logs }));
    }
    if (update) updateTests(file, results);
    return results;
  }

  private async runTest(
    file: TestFile,
    {
      test,
      index,
      runs,
      place,
    }: {
      readonly test: TestDocument;
      readonly index: number;
      readonly runs: CoveringRun[];
      readonly place: Omit<TestPlace, 'folder'>;
    },
  ): Promise<TestResult | undefined> {
    const planned = planTest(test, { ...place, folder: path.dirname(path.resolve(file.file)) });
    if ('faults' in planned) {
      for (const fault of planned.faults) this.fault(file, { index, ...fault });
      return undefined;
    }
    const { plan, expected } = planned;
    const startedMs = performance.now();
    const run = await runPlan(plan);
    const durationMs = performance.now() - startedMs;
    runs.push({ function: test.function, plan, run });
    const discrepancies = findDiscrepancies(expected, run);
    const report = renderReport(discrepancies, run);
    const line = file.reading.source?.positionOf(['tests', index]).line ?? 1;
    return { name: test.name, file: file.file, line, index, durationMs, expected, run, discrepancies, report };
  }

  /** The topology of a file, which is read once. */
  private topologyOf(file: string): Tested {
    const known = this.topologies.get(file);
    if (known !== undefined) return known;
    const loaded = loadTopology(file, this.options.set);
    this.report(loaded.problems);
    const tested = { loaded, place: this.placeOf(loaded), runs: [] };
    this.topologies.set(file, tested);
    return tested;
  }

  private placeOf({ topology, baseDir, name }: LoadedTopology): Tested['place'] {
    if (topology === undefined) return undefined;
    try {
      return { topology, flow: planInMemory(topology), baseDir };
    } catch (error) {
      if (!(error instanceof KFlowError)) throw error;
      const { code, message } = error;
      this.report([{ severity: 'error', code, file: name, line: 1, col: 1, path: '', message }]);
      return undefined;
    }
  }

  private fault(
    { file, reading }: TestFile,
    { index, path: at, message }: { index: number; path: readonly (string | number)[]; message: string },
  ): void {
    const full = ['tests', index, ...at];
    const position = reading.source?.positionOf(full) ?? { file, line: 1, col: 1 };
    this.report([{ severity: 'error', code: 'config-invalid', ...position, path: formatPath(full), message }]);
  }

  private report(problems: readonly Problem[]): void {
    this.problems.push(...problems);
    for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  }
}
