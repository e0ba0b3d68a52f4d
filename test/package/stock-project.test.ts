import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Projects as `cdk8s init typescript-app` makes them, which install the packed package, not its sources. */

const root = path.join(__dirname, '../..');
const template = path.join(root, 'node_modules/cdk8s-cli/templates/typescript-app');

const program = `
import { App } from 'cdk8s';
import * as kplus from 'cdk8s-plus-33';
import { avro, defineFlow, formatProblem, type FunctionSpec, type TopologyDocument } from 'kflow';
import { Flow } from 'kflow/constructs';
import type { Context } from 'kflow/function';

const line = avro.record('line', { key: avro.string, body: avro.bytes });
const flow = defineFlow({ jobId: 'lines', namespace: 'texts', mode: 'batch', container: { priorityClassName: 'low' } });
const texts = flow.rawSource('texts', { writes: line, image: 'registry.example.org/texts:1' });
flow.process('shout', {
  from: texts,
  writes: line,
  meta: { container: { env: [{ name: 'STAGE', value: kplus.EnvValue.fromValue('test') }] } },
  run: (_ctx: Context, event: { key: string; body: Buffer }) => ({ key: event.key.toUpperCase(), body: event.body }),
});

const document: TopologyDocument = flow.document();
const app = new App();
const chart = Flow.fromDefinition(app, 'lines', flow);
const specs: readonly FunctionSpec[] = chart.plan?.workloads.map(({ spec }) => spec) ?? [];
app.synth();
if (document.dag.length !== specs.length) throw new Error(String(formatProblem));
`;

/** What a stock project is, and what its owner may have changed. */
const kinds = {
  'as it is made': { compilerOptions: {}, package: {} },
  'of CommonJS with node16': { compilerOptions: { module: 'node16', moduleResolution: 'node16' }, package: {} },
  'of ES modules with nodenext': {
    compilerOptions: { module: 'nodenext', moduleResolution: 'nodenext', target: 'es2022', lib: ['es2022'] },
    package: { type: 'module' },
  },
  'of a bundler': {
    compilerOptions: { module: 'esnext', moduleResolution: 'bundler', target: 'es2022', lib: ['es2022'] },
    package: {},
  },
};

let place: string;
let project: string;

beforeAll(() => {
  place = mkdtempSync(path.join(tmpdir(), 'kflow-stock-'));
  run(root, 'npm', 'pack', '--silent', '--pack-destination', place);
  const packed = readdirSync(place).find((file) => file.endsWith('.tgz')) ?? '';
  project = path.join(place, 'project');
  cpSync(template, project, { recursive: true });
  writeFileSync(path.join(project, 'package.json'), packageJson());
  writeFileSync(path.join(project, 'main.ts'), program);
  // its test needs jest, which has nothing to do with this package
  rmSync(path.join(project, 'main.test.ts'));
  run(
    project,
    'npm',
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    // every package that comes with this one runs on the Node of this test
    '--engine-strict',
    path.join(place, packed),
  );
});

afterAll(() => rmSync(place, { recursive: true }));

test.each(Object.keys(kinds))('compiles in a project %s', (kind) => {
  expect(run(withKind(kind as keyof typeof kinds), 'npx', 'tsc', '--build', '--force')).toBe('');
});

test('is synthesized by the CLI of cdk8s in a project as it is made', () => {
  run(withKind('as it is made'), 'npx', 'cdk8s', 'synth', '--check-upgrade=false');
  expect(manifests()).toEqual(expect.arrayContaining(['ConfigMap', 'Job', 'Stream']));
});

test('is synthesized by Node in a project of ES modules', () => {
  const folder = withKind('of ES modules with nodenext');
  run(folder, 'npx', 'tsc', '--build', '--force');
  rmSync(path.join(folder, 'dist'), { recursive: true, force: true });
  run(folder, 'node', 'main.js');
  expect(manifests()).toEqual(expect.arrayContaining(['ConfigMap', 'Job', 'Stream']));
});

/** The template's package.json with the versions that `cdk8s init` fills in. */
function packageJson(): string {
  const version = (name: string) =>
    JSON.parse(readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  const versions: Readonly<Record<string, string>> = {
    $base: 'project',
    cdk8s_core_version: version('cdk8s'),
    cdk8s_plus_version: '2.0.0',
    constructs_version: version('constructs'),
    cdk8s_cli_spec: version('cdk8s-cli'),
  };
  const text = readFileSync(path.join(template, 'package.json'), 'utf8');
  const filled = JSON.parse(
    text.replaceAll(/\{\{ (\S+) \}\}/g, (_, name: string) => versions[name] ?? `unknown ${name}`),
  );
  for (const name of ['jest', 'ts-jest']) delete filled.devDependencies[name];
  return JSON.stringify(filled, undefined, 2);
}

/** The project, changed into one of the kinds. */
function withKind(kind: keyof typeof kinds): string {
  const change = kinds[kind];
  const stock = JSON.parse(readFileSync(path.join(template, 'tsconfig.json'), 'utf8'));
  const config = { ...stock, compilerOptions: { ...stock.compilerOptions, ...change.compilerOptions } };
  writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify(config));
  const { type: _, ...own } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8'));
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ ...own, ...change.package }));
  return project;
}

/** Kinds of the objects that were synthesized. */
function manifests(): string[] {
  const text = readFileSync(path.join(project, 'dist/lines.k8s.yaml'), 'utf8');
  return [...new Set([...text.matchAll(/^kind: (\w+)$/gm)].map(([, kind = '']) => kind))].sort();
}

/** Runs a program and returns what it printed; throws with its output if it fails. */
function run(folder: string, program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')}:\n${stdout}${stderr}`);
  }
}
