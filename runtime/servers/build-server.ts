import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../lib/errors';
import { spawnGuarded } from '../adapters/processes/guard';
import { packageRoot } from '../package-root';
import type { CatalogEntry, Progress } from './server-catalog';

const REPORT_EVERY_MS = 5_000;
const ERROR_LINES = 12;

/**
 * Builds a server with the machine's Go into `directory` and gives the program's path. The module's checksums are
 * Go's own: the checksum database, or the go.sum beside our module. Throws ConfigError with Go's last lines.
 */
export async function buildServer(
  server: { readonly name: string; readonly entry: CatalogEntry },
  directory: string,
  context: { readonly env: NodeJS.ProcessEnv; readonly progress: Progress },
): Promise<string> {
  const { name, entry } = server;
  const output = join(directory, 'bin');
  await mkdir(output);
  const flags = ['-trimpath', '-ldflags', '-s -w'];
  const [args, cwd] =
    'module' in entry.go
      ? [['install', ...flags, entry.go.module], directory]
      : [['build', '-mod=readonly', ...flags, '-o', join(output, name), '.'], join(packageRoot, entry.go.directory)];
  context.progress(`building ${name} ${entry.version} with Go; this happens once on a machine`);
  const env = { ...context.env, GOBIN: output, GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0' };
  await runGo({ args, cwd, env, name }, context.progress);
  return join(output, name);
}

async function runGo(
  build: { readonly args: string[]; readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly name: string },
  progress: Progress,
): Promise<void> {
  const go = spawnGuarded({ command: 'go', args: build.args, cwd: build.cwd, env: build.env, stderr: 'pipe' });
  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  let lines: string[] = [];
  let modules = 0;
  go.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    const fresh = chunk.split('\n').filter((line) => line.trim() !== '');
    modules += fresh.filter((line) => line.startsWith('go: downloading')).length;
    lines = [...lines, ...fresh].slice(-ERROR_LINES);
  });
  const timer = setInterval(() => {
    progress(`  building ${build.name}: ${elapsed()}${modules > 0 ? `, ${modules} modules fetched` : ''}`);
  }, REPORT_EVERY_MS);
  const { code, signal } = await go.exited;
  clearInterval(timer);
  if (code === 127) throw new ConfigError('server-missing', 'there is no program `go` on PATH');
  if (code !== 0) {
    const reason = lines.filter((line) => !line.startsWith('go: downloading')).join('\n    ');
    throw new ConfigError('server-missing', `go ended with ${signal ?? code} after ${elapsed()}:\n    ${reason}`);
  }
  progress(`  built ${build.name} in ${elapsed()}`);
}
