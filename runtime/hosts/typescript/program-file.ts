import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';

let known: string | undefined;

/** The program of the process that runs user code. When this package runs from its sources, it is bundled first. */
export function programFile(): string {
  if (known !== undefined) return known;
  const built = path.join(__dirname, 'process', 'main.js');
  known = existsSync(built) ? built : bundle(path.join(__dirname, 'process'));
  return known;
}

/** Bundles the programs of the folder into another, which is removed when this process ends. */
function bundle(sources: string): string {
  const outdir = mkdtempSync(path.join(tmpdir(), 'kflow-host-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const entryPoints = ['main.ts', 'watcher.ts'].map((name) => path.join(sources, name));
  buildSync({ entryPoints, outdir, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
  return path.join(outdir, 'main.js');
}
