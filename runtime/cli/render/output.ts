import { stringify } from 'yaml';
import type { OutputFormat } from './output-format';

/** Writes a value to stdout: the table that is made of it, or the whole as data. */
export function writeOutput(format: OutputFormat, value: unknown, table: () => string): void {
  process.stdout.write(format === 'table' ? table() : renderData(format, value));
}

/** Writes one of many values, each of which can be read as it comes: JSON on a line, YAML as a document. */
export function writeItem(format: OutputFormat, value: unknown, line: () => string): void {
  if (format === 'table') process.stdout.write(line());
  else process.stdout.write(format === 'json' ? `${JSON.stringify(value)}\n` : `---\n${renderData(format, value)}`);
}

function renderData(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0 });
}
