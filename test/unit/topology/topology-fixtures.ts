import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatProblem } from '../../../lib/topology/problem/problem';
import { readTopology, type TopologyReading } from '../../../lib/topology/read-topology';

const fixtures = join(__dirname, '../../fixtures');

export interface Fixture {
  readonly file: string;
  readonly text: string;
}

/** The documents of a folder of test/fixtures. */
export function readFixtures(folder: 'topologies' | 'broken'): readonly Fixture[] {
  return readdirSync(join(fixtures, folder))
    .filter((file) => /\.(yaml|json)$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(fixtures, folder, file), 'utf8') }));
}

export function readFixture(folder: 'topologies' | 'broken', file: string): TopologyReading {
  return readText(readFileSync(join(fixtures, folder, file), 'utf8'), file);
}

export function readText(
  text: string,
  file = 'test.yaml',
  sets: { path: string; value: unknown }[] = [],
): TopologyReading {
  return readTopology(text, { file, defaultJobId: file, sets });
}

/** Problems as printed, without the file name. */
export function printed({ problems }: TopologyReading): readonly string[] {
  return problems.map((problem) =>
    problem.file === '--set' ? formatProblem(problem) : formatProblem(problem).replace(`${problem.file}:`, ''),
  );
}

/** CPU time of this process in milliseconds. Unlike elapsed time, it does not depend on the load of the machine. */
export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Errors of a document as printed, without the file name. */
export function errorsOf(text: string): readonly string[] {
  const { problems } = readText(text);
  return printed({ problems: problems.filter(({ severity }) => severity === 'error') });
}
