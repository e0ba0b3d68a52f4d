/**
 * Mutation run: changes one place in the sources at a time, in a copy of the tree, and runs the tests of the file that need
 * no server. A change that no test detects is a survivor.
 *
 *   npm run mutation                                  every area, a sample of each
 *   npm run mutation -- runtime/engine --sample 200   one area or file
 *   npm run mutation -- --sample all --seed 7
 *
 * The work tree is not changed. The exit status is 0 even with survivors, because a survivor is not always a missing test.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const areas = ['runtime/engine', 'lib/plan', 'lib/topology/update', 'runtime/controller/flows/workflow'];
const copied = ['lib', 'runtime', 'test', 'bench', 'imports', 'examples', 'docs', 'sdk', 'tools', 'README.md'];
const configs = ['package.json', 'tsconfig.json', 'jest.config.js', 'biome.json', 'cdk8s.yaml', 'Dockerfile'];
const root = path.join(__dirname, '..');

/** The tests that need neither a server nor a build. */
const config = `module.exports = { ...require('./jest.config.js'), testMatch: ['<rootDir>/test/{unit,golden}/**/*.test.ts', '<rootDir>/test/contract/memory-*.test.ts'] };`;

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly what: string;
}

const swapped: { readonly [operator: string]: string } = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
  '+': '-',
  '-': '+',
};

/** Every place of a file that can be changed so that it still compiles as JavaScript. */
function mutantsOf(file: string): Mutant[] {
  const source = ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.ES2023, true);
  const found: Mutant[] = [];
  const add = (node: ts.Node, text: string, what: string) => {
    const start = node.getStart(source);
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ file, line, start, end: node.getEnd(), text, what });
  };
  const negate = (node: ts.Expression) => add(node, `!(${node.getText(source)})`, 'negated');
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node)) return;
    if (ts.isIfStatement(node) || ts.isWhileStatement(node)) negate(node.expression);
    if (ts.isConditionalExpression(node)) negate(node.condition);
    if (ts.isBinaryExpression(node)) {
      const { operatorToken } = node;
      const other = swapped[operatorToken.getText(source)];
      const isText = ts.isStringLiteral(node.left) || ts.isStringLiteral(node.right);
      if (other !== undefined && !isText) add(operatorToken, other, `${operatorToken.getText(source)} -> ${other}`);
    }
    if (ts.isExpressionStatement(node)) add(node, ';', 'removed');
    if (ts.isReturnStatement(node) && node.expression !== undefined && ts.isBlock(node.parent)) {
      if (node.parent.statements.at(-1) !== node) add(node, ';', 'early return removed');
    }
    if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false', 'true -> false');
    if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true', 'false -> true');
    if (ts.isNumericLiteral(node)) add(node, `(${node.getText(source)} + 1)`, 'plus 1');
    if (ts.isSpreadElement(node)) add(node, '...[]', 'spread emptied');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function filesBelow(place: string): string[] {
  if (statSync(path.join(root, place)).isFile()) return [place];
  return readdirSync(path.join(root, place), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(place, file))
    .sort();
}

/** The same sample for the same seed. */
function sampleOf(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return mutants
    .map((mutant) => ({ mutant, at: random() }))
    .sort((one, other) => one.at - other.at)
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

/** A copy of the tree whose files can be changed. */
class Copy {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-mutation-'));

  constructor() {
    for (const name of [...copied, ...configs])
      cpSync(path.join(root, name), path.join(this.folder, name), { recursive: true });
    writeFileSync(path.join(this.folder, 'mutation.config.js'), config);
    symlinkSync(path.join(root, 'node_modules'), path.join(this.folder, 'node_modules'));
  }

  /** Whether a test fails with the mutant in place. A run that does not end counts as one. */
  kills({ file, start, end, text }: Mutant): boolean {
    const place = path.join(this.folder, file);
    const original = readFileSync(place, 'utf8');
    writeFileSync(place, original.slice(0, start) + text + original.slice(end));
    try {
      return this.test(file) !== 0;
    } finally {
      writeFileSync(place, original);
    }
  }

  /** Exit status of the tests without a server that reach the file. */
  test(file: string): number {
    const args = [
      'node_modules/jest/bin/jest.js',
      '--config',
      'mutation.config.js',
      '--bail',
      '--passWithNoTests',
      '--findRelatedTests',
      file,
    ];
    const options = { cwd: this.folder, stdio: 'ignore', timeout: 120_000 } as const;
    return spawnSync(process.execPath, args, options).status ?? 1;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sample: { type: 'string', default: '40' }, seed: { type: 'string', default: '1' } },
  });
  const count = values.sample === 'all' ? Number.POSITIVE_INFINITY : Number(values.sample);
  const copy = new Copy();
  process.on('exit', () => copy.remove());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  for (const area of positionals.length > 0 ? positionals : areas) {
    const files = filesBelow(area);
    const broken = files.filter((file) => mutantsOf(file).length > 0).find((file) => copy.test(file) !== 0);
    if (broken !== undefined) throw new Error(`the tests of ${broken} fail without a change`);
    const mutants = sampleOf(files.flatMap(mutantsOf), count, Number(values.seed));
    let killed = 0;
    for (const mutant of mutants) {
      if (copy.kills(mutant)) killed++;
      else process.stdout.write(`survived  ${mutant.file}:${mutant.line}  ${mutant.what}\n`);
    }
    const score = mutants.length === 0 ? 100 : Math.round((100 * killed) / mutants.length);
    process.stdout.write(`${area}: ${killed} of ${mutants.length} killed, ${score} % (seed ${values.seed})\n`);
  }
}

main();
