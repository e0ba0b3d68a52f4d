import { formatProblem, type Problem } from '../../../../lib/topology/problem/problem';
import { renderLog } from './render-report';
import { hasPassed, type TestResult } from './test-result';

/** The results in the XML that CI servers read as JUnit's: a suite for each file, and one for what could not be read. */
export function renderJUnit(results: readonly TestResult[], problems: readonly Problem[]): string {
  const files = [...new Set(results.map(({ file }) => file))];
  const errors = problems.filter(({ severity }) => severity === 'error');
  const suites = files.map((file) =>
    suiteOf(
      file,
      results.filter((result) => result.file === file),
    ),
  );
  const broken = errors.length === 0 ? [] : [brokenSuite(errors)];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${[...suites, ...broken].join('')}</testsuites>\n`;
}

function suiteOf(file: string, results: readonly TestResult[]): string {
  const failures = results.filter((result) => !hasPassed(result)).length;
  const time = results.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const head = attributes({ name: file, tests: results.length, failures, errors: 0, time: secondsOf(time) });
  return `  <testsuite${head}>\n${results.map(caseOf).join('')}  </testsuite>\n`;
}

function caseOf(result: TestResult): string {
  const { name, file, line, durationMs, report, run } = result;
  const head = attributes({ name, classname: file, file, line, time: secondsOf(durationMs) });
  const log = renderLog(run.logs, Number.POSITIVE_INFINITY);
  const output = log === '' ? '' : `      <system-out>${escaped(log)}</system-out>\n`;
  const message = report.split('\n')[0] ?? '';
  const failure = hasPassed(result) ? '' : `      <failure${attributes({ message })}>${escaped(report)}</failure>\n`;
  return `    <testcase${head}>\n${failure}${output}    </testcase>\n`;
}

function brokenSuite(errors: readonly Problem[]): string {
  const cases = errors.map((problem) => {
    const head = attributes({ name: problem.path === '' ? problem.file : problem.path, classname: problem.file });
    const { message } = problem;
    const error = `      <error${attributes({ message })}>${escaped(formatProblem(problem))}</error>\n`;
    return `    <testcase${head}>\n${error}    </testcase>\n`;
  });
  const head = attributes({ name: 'kflow test', tests: errors.length, failures: 0, errors: errors.length });
  return `  <testsuite${head}>\n${cases.join('')}  </testsuite>\n`;
}

function attributes(values: { readonly [name: string]: string | number }): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`)
    .join('');
}

/** Text of XML. Characters that XML does not have become U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function secondsOf(ms: number): string {
  return (ms / 1_000).toFixed(3);
}
