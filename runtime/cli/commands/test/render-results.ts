import { renderExactJson } from '../../../../lib/topology/avro/exact-json';
import type { Problem } from '../../../../lib/topology/problem/problem';
import type { Coverage, CoveredItem } from '../../../testing/coverage';
import { counted } from '../../render/measures';
import { painted } from '../../render/text';
import { mediumOf } from '../../terminal/output';
import { renderLog } from './render-report';
import { hasPassed, type TestResult, type TopologyCoverage } from './test-result';

/** A line for a test that has passed; a report for any other. */
export function renderResult(
  result: TestResult,
  { isUpdated, withLogs }: { readonly isUpdated: boolean; readonly withLogs: boolean },
): string {
  const { name, file, line, durationMs, report, run } = result;
  const medium = mediumOf(process.stdout);
  const time = painted(`(${timeOf(durationMs)})`, 'dim', medium);
  const log = withLogs ? renderLog(run.logs, Number.POSITIVE_INFINITY) : '';
  if (hasPassed(result))
    return `  ${painted('ok', 'green', medium)}    ${name} ${time}\n${log === '' ? '' : indented(log, 8)}`;
  if (isUpdated && run.failure === undefined) return `  ${painted('wrote', 'yellow', medium)} ${name} ${time}\n`;
  const place = painted(`${file}:${line}`, 'dim', medium);
  return `  ${painted('FAIL', 'red', medium)}  ${name} ${time}  ${place}\n${indented(report, 8)}`;
}

export function renderEnd(results: readonly TestResult[], isUpdated: boolean): string {
  const passed = results.filter(hasPassed).length;
  const isWritten = (result: TestResult) => isUpdated && !hasPassed(result) && result.run.failure === undefined;
  const updated = results.filter(isWritten).length;
  const failed = results.length - passed - updated;
  const written = updated === 0 ? '' : `${updated} updated, `;
  const durationMs = results.reduce((sum, result) => sum + result.durationMs, 0);
  return `${counted(passed, 'test')} passed, ${written}${failed} failed (${timeOf(durationMs)})\n`;
}

/** The coverage of each topology, with what is not covered. */
export function renderCoverage(coverages: readonly TopologyCoverage[]): string {
  return coverages
    .map(({ topology, coverage }) => {
      const kinds = kindsOf(coverage);
      const shares = kinds.map(([what, items]) => `${what} ${items.filter(isCovered).length}/${items.length}`);
      const missing = kinds.flatMap(([what, items]) => {
        const names = items.filter((item) => !isCovered(item)).map(({ name }) => name);
        return names.length === 0 ? [] : [`  not covered, ${what}: ${names.join(', ')}\n`];
      });
      return `coverage of ${topology}: ${shares.join(', ')}\n${missing.join('')}`;
    })
    .join('');
}

/** The results as JSON, with the observed records of tests that have failed. */
export function renderJson(
  results: readonly TestResult[],
  coverages: readonly TopologyCoverage[],
  problems: readonly Problem[],
): string {
  const tests = results.map((result) => {
    const { name, file, line, durationMs, report, run } = result;
    const place = { name, file, line, durationMs: Math.round(durationMs), passed: hasPassed(result) };
    if (hasPassed(result)) return place;
    const { outputs, letters, errors } = run;
    return { ...place, report, observed: { outputs: Object.fromEntries(outputs), letters, errors } };
  });
  const coverage = coverages.map(({ topology, coverage: own }) => {
    const shares = kindsOf(own).map(([, items, key]) => [key, Object.fromEntries(items.map(entryOf))] as const);
    return { topology, ...Object.fromEntries(shares) };
  });
  return `${renderExactJson({ tests, coverage, problems })}\n`;
}

function kindsOf({ functions, edges, errorPaths }: Coverage) {
  return [
    ['functions', functions, 'functions'],
    ['edges', edges, 'edges'],
    ['error paths', errorPaths, 'errorPaths'],
  ] as const;
}

function isCovered(item: CoveredItem): boolean {
  return item.isCovered;
}

function entryOf({ name, isCovered: covered }: CoveredItem): readonly [string, boolean] {
  return [name, covered];
}

function timeOf(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function indented(text: string, width: number): string {
  const margin = ' '.repeat(width);
  return `${text
    .split('\n')
    .map((line) => (line === '' ? line : margin + line))
    .join('\n')}\n`;
}
