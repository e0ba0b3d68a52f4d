import { chmod } from 'node:fs/promises';
import { ConfigError, KFlowError } from '../../lib/errors';
import { buildServer } from './build-server';
import { downloadRelease } from './download-release';
import { serverFromVariable, serverOnPath, versionOf } from './installed-server';
import { cachePath, fillCache } from './server-cache';
import { type CatalogEntry, type Progress, readCatalog, type ServerCatalog } from './server-catalog';

/** Where a server was found or came from. */
type ServerSource = 'variable' | 'path' | 'cache' | 'release' | 'go';

/** A server program that runs. */
export interface ServerBinary {
  readonly name: string;
  readonly path: string;
  readonly source: ServerSource;
}

export interface ResolveOptions {
  readonly progress?: Progress;
  /** Left out, the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Left out, the catalog of this package. */
  readonly catalog?: ServerCatalog;
}

interface Search {
  readonly name: string;
  readonly entry: CatalogEntry;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  /** Why each way that was tried did not work. */
  readonly failures: string[];
}

/**
 * Finds a server of the catalog: the variable's program, PATH, the cache, the official release, a build with Go.
 * The first run may take minutes, which `progress` tells. Throws ConfigError `config-invalid` when the variable names
 * no such program, `server-missing` with every reason when no way works.
 */
export async function resolveServer(name: string, options: ResolveOptions = {}): Promise<ServerBinary> {
  const catalog = options.catalog ?? readCatalog();
  const entry = catalog[name];
  if (entry === undefined) {
    const known = Object.keys(catalog).join(', ');
    throw new ConfigError('config-invalid', `there is no server "${name}"; known are ${known}`, { where: name });
  }
  const progress = options.progress ?? (() => undefined);
  const search: Search = { name, entry, env: options.env ?? process.env, progress, failures: [] };
  return (await findInstalled(search)) ?? (await prepare(search));
}

async function findInstalled(search: Search): Promise<ServerBinary | undefined> {
  const { name, entry, env } = search;
  const chosen = await serverFromVariable(entry, env);
  if (chosen !== undefined) return { name, path: chosen.path, source: 'variable' };
  const installed = await serverOnPath({ name, entry }, env, (reason) => {
    search.failures.push(reason);
    search.progress(`passed over ${reason}`);
  });
  return installed && { name, path: installed.path, source: 'path' };
}

/** Takes the server from the cache, which it fills first when it has to. */
async function prepare(search: Search): Promise<ServerBinary> {
  const { name, entry, env, progress, failures } = search;
  const path = cachePath(name, entry, env);
  let source: ServerSource = 'cache';
  const make = async (directory: string): Promise<string> => {
    const release = entry.releases[`${process.platform}-${process.arch}`];
    if (release === undefined) {
      failures.push(`release: none with a known checksum for ${process.platform}-${process.arch}`);
    } else {
      const downloaded = await attempt('release', search, () => downloadRelease(release, directory, { env, progress }));
      if (downloaded !== undefined) {
        source = 'release';
        return downloaded;
      }
    }
    const built = await attempt('Go', search, () => buildServer({ name, entry }, directory, { env, progress }));
    if (built === undefined) throw missing(search);
    source = 'go';
    return built;
  };
  await fillCache(path, make, progress);
  return { name, path, source };
}

/** One way to make a program. It counts when the program runs; else the reason is kept and said. */
async function attempt(way: string, search: Search, make: () => Promise<string>): Promise<string | undefined> {
  try {
    const program = await make();
    await chmod(program, 0o755);
    await versionOf(program);
    return program;
  } catch (error) {
    const reason = `${way}: ${error instanceof KFlowError ? error.message : `it does not run: ${(error as Error).message}`}`;
    search.failures.push(reason);
    search.progress(reason);
    return undefined;
  }
}

function missing({ name, entry, failures }: Search): ConfigError {
  const tried = [`${entry.variable}: not set`, 'PATH: no usable program', ...failures];
  return new ConfigError(
    'server-missing',
    [
      `${name} ${entry.version} was not found and could not be made:`,
      ...tried.map((reason) => `  - ${reason}`),
      `Install Go ${entry.go.needs} or newer, or set ${entry.variable} to the path of ${name}.`,
    ].join('\n'),
    { where: name },
  );
}
