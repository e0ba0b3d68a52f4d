import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { formatProblem, type Problem } from '../../../../lib/topology/problem/problem';
import { loadTopology } from '../../load-topology';

/** `kflow lint`: prints every problem of every file. Exit status 1 when there is an error among them. */
export function lint(
  files: readonly string[],
  options: { readonly set: readonly string[]; readonly format: string },
): number {
  const results = files
    .flatMap(topologiesIn)
    .map((file) => ({ file, problems: loadTopology(file, options.set).problems }));
  const problems = results.flatMap((result) => result.problems);
  const errors = problems.filter(isError).length;
  if (options.format === 'json') {
    process.stdout.write(`${JSON.stringify(problems, null, 2)}\n`);
    return errors > 0 ? 1 : 0;
  }
  for (const { file, problems: found } of results) {
    for (const problem of found) process.stdout.write(`${formatProblem(problem)}\n`);
    if (!found.some(isError))
      process.stdout.write(`${file}: ok${found.length > 0 ? `, ${count(found.length, 'warning')}` : ''}\n`);
  }
  if (errors > 0) process.stdout.write(`${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}\n`);
  return errors > 0 ? 1 : 0;
}

/** A directory stands for the YAML and JSON files below it. */
function topologiesIn(file: string): string[] {
  if (!existsSync(file) || !statSync(file).isDirectory()) return [file];
  const below = readdirSync(file, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ya?ml|json)$/.test(name));
  return below.length === 0 ? [file] : below.sort().map((name) => path.join(file, name));
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
