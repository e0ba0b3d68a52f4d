import { stringify } from 'yaml';
import { cutText } from '../../../engine/failures';
import type { ListComparison, Pair } from '../../../testing/compare-lists';
import { isObservedFailure } from '../../../testing/observe';
import type { LogLine, TestRun } from '../../../testing/run-plan';
import type { Discrepancy } from '../../../testing/verdict';
import { patchOf } from '../../render/patch';

/** Lines of a log that a report shows. */
const maxLogLines = 20;
/** Characters of a line that a report shows. */
const maxLineLength = 500;
/** Lines of the difference of one edge that a report shows. */
const maxDiffLines = 200;

/** The discrepancies of a test as text for people: differences first, then where the code failed, then the log. */
export function renderReport(discrepancies: readonly Discrepancy[], run: TestRun): string {
  if (discrepancies.length === 0) return '';
  const parts = discrepancies.map(renderDiscrepancy);
  const hasFailures = discrepancies.some(({ is }) => is === 'letters' || is === 'errors');
  const traces = hasFailures ? tracesOf(run) : [];
  const log = renderLog(run.logs);
  return [...parts, ...traces, ...(log === '' ? [] : [`log:\n${log}`])].map((part) => part.trimEnd()).join('\n');
}

/** The last lines of the log. */
export function renderLog(logs: readonly LogLine[], most = maxLogLines): string {
  const lines = logs
    .filter(({ level }) => level !== 'DEBUG')
    .flatMap(({ function: id, level, text, record }) => {
      const about = record === undefined ? '' : ` ${record}`;
      return text.split('\n').map((line) => `  ${id} ${level}${about} ${cutText(line, maxLineLength)}`);
    });
  return lines.slice(-most).join('\n');
}

function renderDiscrepancy(discrepancy: Discrepancy): string {
  switch (discrepancy.is) {
    case 'unfinished':
      return discrepancy.message;
    case 'unreached':
      return `${discrepancy.path} has ended no replica: no record that comes from the one before got that far`;
    case 'nothing-expected':
      return 'the test expects nothing: write output, letters or errors, or run with --update to have them written';
    case 'output':
      return `output of ${discrepancy.edge}, ${countsOf(discrepancy.comparison)}:\n${renderDiff(discrepancy.comparison)}`;
    case 'letters':
      return `dead letters, ${countsOf(discrepancy.comparison)}:\n${renderDiff(discrepancy.comparison)}`;
    case 'errors':
      return `failed attempts, ${countsOf(discrepancy.comparison)}:\n${renderDiff(discrepancy.comparison)}`;
  }
}

function countsOf({ pairs }: ListComparison): string {
  const count = (isCounted: (pair: Pair) => boolean) => pairs.filter((pair) => !pair.isSame && isCounted(pair)).length;
  const missing = count((pair) => !('observed' in pair));
  const extra = count((pair) => !('expected' in pair));
  const different = count((pair) => 'observed' in pair && 'expected' in pair);
  const parts = [
    [different, 'different'],
    [missing, 'missing'],
    [extra, 'unexpected'],
  ] as const;
  return parts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`])).join(', ');
}

/** The lists as YAML, as a unified diff. What is the same is shown as it is expected. */
function renderDiff({ pairs }: ListComparison): string {
  const expected = pairs.flatMap((pair) => ('expected' in pair ? [pair.expected] : []));
  const observed = pairs.flatMap((pair) => {
    if (pair.isSame) return [pair.expected];
    return 'observed' in pair ? [shown(pair)] : [];
  });
  const patch = patchOf({ name: 'expected', text: yamlOf(expected) }, { name: 'observed', text: yamlOf(observed) });
  const lines = patch.trimEnd().split('\n');
  const left = lines.length - maxDiffLines;
  return [...lines.slice(0, maxDiffLines), ...(left > 0 ? [`... ${left} more lines`] : [])]
    .map((line) => `  ${cutText(line, maxLineLength)}`)
    .join('\n');
}

/** Of a failure, the fields that the test names, or the first ones. */
function shown({ expected, observed }: Pair): unknown {
  if (!isObservedFailure(observed)) return observed;
  const fields = expected === undefined ? ['function', 'type', 'message', 'record'] : Object.keys(expected as object);
  const all = observed as unknown as { readonly [field: string]: unknown };
  return Object.fromEntries(fields.map((field) => [field, all[field]]));
}

/** One item a paragraph, with keys in a fixed order, so that lines are comparable. */
function yamlOf(items: readonly unknown[]): string {
  return items.length === 0 ? '' : stringify(items, { lineWidth: 0, sortMapEntries: true });
}

/** Each traceback once. */
function tracesOf({ errors, letters }: TestRun): readonly string[] {
  const traces = [...letters, ...errors].flatMap(({ trace }) => (trace === undefined ? [] : [trace.trim()]));
  return [...new Set(traces)].slice(0, 3).map((trace) => `  ${trace.replaceAll('\n', '\n  ')}`);
}
