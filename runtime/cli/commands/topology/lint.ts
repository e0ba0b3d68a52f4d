import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Problem } from '../../../../lib/topology/problem/problem';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { setOption } from '../../frame/shared-options';
import { argumentList, choiceOption, text, withDefault } from '../../frame/values';

export const lint = defineCommand({
  name: 'lint',
  summary: 'check topologies, task flows and components, and report every problem',
  details: `Exits with ${ExitStatus.Failed} when one has an error; warnings alone exit with ${ExitStatus.Done}.
Of files of tests (NAME.test.yaml), only the shape is checked: kflow test runs them.
In a directory, files with Kubernetes objects are skipped.`,
  arguments: {
    files: argumentList({
      name: 'file',
      description:
        'topologies: YAML, JSON, or a program that exports a flow; task flows (.flow); components; or directories of these',
      parse: text,
    }),
  },
  options: {
    set: setOption,
    format: withDefault(choiceOption(['text', 'json'], 'output format', { placeholder: '<format>' }), 'text'),
  },
  async run({ files, set, format }) {
    const { isTestFile, loadTopology } = await import('../../documents/load-topology.js');
    const { isTaskFlow, loadTaskFlow } = await import('../../documents/load-task-flow.js');
    const { isComponent, loadComponent } = await import('../../documents/load-component.js');
    const { laterProblems } = await import('../../documents/later-problems.js');
    const { kubernetesKind } = await import('../../../../lib/topology/read/kubernetes-kind.js');
    const { readTestFile } = await import('../../../../lib/topology/read-tests.js');
    const isObject = (file: string) => kubernetesKind(textOf(file)) !== undefined;
    const skipped = (file: string) => {
      if (format === 'text') process.stdout.write(`${file}: skipped, a Kubernetes object\n`);
    };
    const found = files.flatMap((file) => topologiesIn(file, isObject, skipped));
    const results = found.map((file) => {
      if (isTaskFlow(file)) return { file, problems: loadTaskFlow(file).problems };
      if (isComponent(file)) return { file, problems: loadComponent(file).problems };
      if (isTestFile(file)) return { file, problems: readTestFile(textOf(file), file).problems };
      const loaded = loadTopology(file, set);
      return { file, problems: [...loaded.problems, ...laterProblems(loaded)] };
    });
    const problems = results.flatMap((result) => result.problems);
    if (format === 'json') process.stdout.write(`${JSON.stringify(problems, null, 2)}\n`);
    else await printProblems(results);
    return problems.some(isError) ? ExitStatus.Failed : ExitStatus.Done;
  },
});

interface FileResult {
  readonly file: string;
  readonly problems: readonly Problem[];
}

async function printProblems(results: readonly FileResult[]): Promise<void> {
  const { formatProblem } = await import('../../../../lib/topology/problem/problem.js');
  const { counted } = await import('../../render/measures.js');
  for (const { file, problems } of results) {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
    if (problems.some(isError)) continue;
    process.stdout.write(`${file}: ok${problems.length > 0 ? `, ${counted(problems.length, 'warning')}` : ''}\n`);
  }
  const problems = results.flatMap((result) => result.problems);
  const errors = problems.filter(isError).length;
  if (errors === 0) return;
  process.stdout.write(`${counted(errors, 'error')}, ${counted(problems.length - errors, 'warning')}\n`);
}

/** A directory stands for the task flows below it, and for the YAML and JSON files that are no Kubernetes objects. */
function topologiesIn(
  file: string,
  isObject: (file: string) => boolean,
  skipped: (file: string) => void,
): readonly string[] {
  if (!existsSync(file) || !statSync(file).isDirectory()) return [file];
  const below = readdirSync(file, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ya?ml|json|flow)$/.test(name))
    .sort()
    .map((name) => path.join(file, name));
  const objects = new Set(below.filter(isObject));
  objects.forEach(skipped);
  return below.length === objects.size ? [file] : below.filter((each) => !objects.has(each));
}

/** Empty for a file that cannot be read, which is reported as a topology. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
