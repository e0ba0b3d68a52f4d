import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { readTestFile, type TestsReading, testsInTopology } from '../../../../lib/topology/read-tests';
import { isTestFile } from '../../documents/load-topology';
import { usageError } from '../../frame/exit-status';

/** The tests of one file, and the topology that they test. */
export interface TestFile {
  /** Path as the user wrote it, or below the directory that the user wrote. */
  readonly file: string;
  readonly text: string;
  readonly topologyFile: string;
  readonly reading: TestsReading;
}

const testName = /\.test\.(ya?ml|json)$/;
const documentName = /\.(ya?ml|json)$/;
const testExtensions = ['yaml', 'yml', 'json'];
const topologyExtensions = [...testExtensions, 'ts', 'mts', 'cts', 'js', 'mjs', 'cjs'];

/** The files of tests that the arguments name, each once. Throws CommandError for one without tests. */
export function findTests(files: readonly string[]): readonly TestFile[] {
  const found = new Map<string, TestFile>();
  for (const file of files) {
    const own = testsOf(file);
    if (own.length === 0) throw usageError(`${file}: no tests; ${remedyFor(file)}`);
    for (const each of own) found.set(path.resolve(each.file), each);
  }
  return [...found.values()];
}

function remedyFor(file: string): string {
  if (existsSync(file) && statSync(file).isDirectory()) return 'a file of tests is named NAME.test.yaml';
  return `write them into ${file.replace(/\.[^./]*$/, '')}.test.yaml, or into its key "tests"`;
}

function testsOf(file: string): readonly TestFile[] {
  if (existsSync(file) && statSync(file).isDirectory()) {
    const below = readdirSync(file, { recursive: true, encoding: 'utf8' })
      .filter((name) => documentName.test(name) && !name.split(path.sep).includes('node_modules'))
      .sort()
      .map((name) => path.join(file, name));
    return below.flatMap((each) => (isTestFile(each) ? [testFile(each)] : testsWithin(each)));
  }
  if (isTestFile(file)) return [testFile(file)];
  const base = file.replace(/\.[^./]*$/, '');
  const beside = testExtensions.map((extension) => `${base}.test.${extension}`).filter((each) => existsSync(each));
  return [...(documentName.test(file) ? testsWithin(file) : []), ...beside.map((each) => testFile(each, file))];
}

/** The tests in a topology; none in any other document. */
function testsWithin(file: string): readonly TestFile[] {
  const text = textOf(file);
  const reading = testsInTopology(text, file);
  return reading.tests.length === 0 ? [] : [{ file, text, topologyFile: file, reading }];
}

function testFile(file: string, topologyFile?: string): TestFile {
  const text = textOf(file);
  const reading = readTestFile(text, file);
  const named = reading.topology === undefined ? undefined : path.join(path.dirname(file), reading.topology);
  return { file, text, reading, topologyFile: named ?? topologyFile ?? topologyBeside(file) };
}

function topologyBeside(file: string): string {
  const base = file.replace(testName, '');
  const candidates = topologyExtensions.map((extension) => `${base}.${extension}`);
  const found = candidates.find((each) => existsSync(each));
  if (found !== undefined) return found;
  throw usageError(`${file}: no topology ${base}.yaml, .json or .ts is beside it; name one with "topology"`);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${file}: cannot read the file: ${(error as Error).message}`);
  }
}
