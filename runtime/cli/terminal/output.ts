import { createInterface } from 'node:readline/promises';
import { stringify } from 'yaml';
import type { OutputFormat } from '../frame/shared-options';
import type { Medium } from '../render/text';

/** Writes the result of a command to stdout, as a table or as data. */
export function writeOutput(format: OutputFormat, value: unknown, table: () => string): void {
  process.stdout.write(format === 'table' ? table() : renderData(format, value));
}

/** Writes one of many results: as a line, as a line of JSON, or as a YAML document. */
export function writeItem(format: OutputFormat, value: unknown, line: () => string): void {
  if (format === 'table') process.stdout.write(line());
  else process.stdout.write(format === 'json' ? `${JSON.stringify(value)}\n` : `---\n${renderData(format, value)}`);
}

/** Writes a line for people to stderr. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The capabilities of a stream of this process. */
export function mediumOf(stream: NodeJS.WriteStream): Medium {
  if (!stream.isTTY) return {};
  return { width: stream.columns, hasColors: process.env.NO_COLOR === undefined };
}

/** Whether the user answers yes; undefined when stdin is not a terminal. */
export async function confirm(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} [y/N] `);
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

function renderData(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0 });
}
