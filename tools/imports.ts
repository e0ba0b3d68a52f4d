import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

/**
 * `npm run imports` generates imports/ from imports/nack.crds.yaml; `--output DIR` generates into another folder.
 * `--against FILE` only compares our copy of NACK's CRDs with a CRD file of NACK, and exits with 1 when they differ.
 */

interface Crd {
  readonly spec: { readonly names: { readonly kind: string }; readonly versions: readonly { readonly name: string }[] };
}

const root = path.join(__dirname, '..');
const table = path.join(root, 'imports/nack.crds.yaml');
const [option, value] = process.argv.slice(2);

if (option === '--against') compare(String(value));
else generate(option === '--output' ? String(value) : path.join(root, 'imports'));

function ourCrds(): readonly Crd[] {
  return parse(readFileSync(table, 'utf8'), { maxAliasCount: -1 }).items;
}

/** The generator rejects files with many YAML aliases, so it gets the table with aliases expanded. */
function generate(output: string): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-imports-'));
  try {
    const file = path.join(folder, 'nack.crds.yaml');
    writeFileSync(file, JSON.stringify({ kind: 'List', items: ourCrds() }));
    const args = ['import', file, '--save=false', '--check-upgrade=false', '-l', 'typescript', '-o', output];
    execFileSync(path.join(root, 'node_modules/.bin/cdk8s'), args, { cwd: folder, stdio: 'inherit' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare(file: string): void {
  const theirs = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Crd | null);
  const different = ourCrds().filter((ours) => {
    const { kind } = ours.spec.names;
    const their = theirs.find((crd) => crd?.spec.names.kind === kind);
    const newest = their?.spec.versions.find(({ name }) => name === ours.spec.versions[0]?.name);
    return !isDeepStrictEqual(withoutDescriptions(newest), ours.spec.versions[0]);
  });
  for (const crd of different) process.stdout.write(`${crd.spec.names.kind}: the fields differ\n`);
  if (different.length === 0) process.stdout.write('the fields are the same\n');
  else process.exitCode = 1;
}

function withoutDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescriptions);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, inner]) => key !== 'description' || typeof inner !== 'string');
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutDescriptions(inner)]));
}
