import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../lib/errors';
import { spawnGuarded } from '../adapters/processes/guard';
import { packageRoot } from '../package-root';
import { buildWithJava } from './build-with-java';
import type { CatalogEntry, Progress } from './server-catalog';

type GoBuild = NonNullable<CatalogEntry['go']>;

const reportEveryMs = 5_000;
const errorLines = 12;

/** Builds a server as the catalog says, with Go or Java, and returns the path of the program. Throws ConfigError. */
export function buildServer(
  server: { readonly name: string; readonly entry: CatalogEntry },
  directory: string,
  context: { readonly env: NodeJS.ProcessEnv; readonly progress: Progress },
): Promise<string> {
  const { go, java } = server.entry;
  if (go !== undefined) return buildWithGo({ ...server, go }, directory, context);
  if (java !== undefined) return buildWithJava({ ...server, java }, directory, context);
  throw new ConfigError('server-missing', `${server.name}: the catalog does not say how to build it`);
}

/**
 * Builds a server with the installed Go in `directory` and returns the path of the program. Go verifies the modules: with
 * the checksum database, or with the go.sum of our own module. Throws ConfigError with the last lines that Go printed.
 */
async function buildWithGo(
  server: { readonly name: string; readonly entry: CatalogEntry; readonly go: GoBuild },
  directory: string,
  context: { readonly env: NodeJS.ProcessEnv; readonly progress: Progress },
): Promise<string> {
  const { name, entry, go } = server;
  const output = join(directory, 'bin');
  await mkdir(output);
  const { args, cwd } = buildCommand(go, { directory, program: join(output, name) });
  context.progress(`building ${name} ${entry.version} with Go; the build is cached for this machine`);
  const env = { ...context.env, GOBIN: output, GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0' };
  await runGo({ args, cwd, env, name }, context.progress);
  return join(output, name);
}

function buildCommand(
  go: GoBuild,
  { directory, program }: { readonly directory: string; readonly program: string },
): { readonly args: string[]; readonly cwd: string } {
  if ('module' in go) return { args: ['install', '-trimpath', '-ldflags', '-s -w', go.module], cwd: directory };
  const values = Object.entries(go.values ?? {}).map(([variable, value]) => ` -X ${variable}=${value}`);
  const flags = ['-mod=readonly', '-trimpath', '-ldflags', `-s -w${values.join('')}`];
  return { args: ['build', ...flags, '-o', program, go.package ?? '.'], cwd: join(packageRoot, go.directory) };
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
    lines = [...lines, ...fresh].slice(-errorLines);
  });
  const timer = setInterval(() => {
    progress(`  building ${build.name}: ${elapsed()}${modules > 0 ? `, ${modules} modules fetched` : ''}`);
  }, reportEveryMs);
  const { code, signal } = await go.exited;
  clearInterval(timer);
  if (code === 127) throw new ConfigError('server-missing', 'no `go` on PATH');
  if (code !== 0) {
    const reason = lines.filter((line) => !line.startsWith('go: downloading')).join('\n    ');
    throw new ConfigError(
      'server-missing',
      `go failed (${signal ?? `exit ${code}`}) after ${elapsed()}:\n    ${reason}`,
    );
  }
  progress(`  built ${build.name} in ${elapsed()}`);
}
