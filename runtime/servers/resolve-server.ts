import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { ConfigError, KFlowError } from '../../lib/errors';
import { buildServer } from './build-server';
import { downloadRelease } from './download-release';
import { serverFromVariable, serverOnPath, versionOf } from './installed-server';
import { cachePath, cacheTarget, fillCache } from './server-cache';
import { type CatalogEntry, type Progress, readCatalog, type ServerCatalog } from './server-catalog';

/** The origin of a server program. */
type ServerSource = 'variable' | 'path' | 'cache' | 'release' | 'go' | 'java';

/** A server program that was verified to run. */
export interface ServerBinary {
  readonly name: string;
  readonly path: string;
  readonly source: ServerSource;
}

export interface ResolveOptions {
  readonly progress?: Progress;
  /** Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the catalog of this package. */
  readonly catalog?: ServerCatalog;
}

interface Search {
  readonly name: string;
  readonly entry: CatalogEntry;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  /** The reason why each attempt failed. */
  readonly failures: string[];
}

/**
 * Finds a server of the catalog, in this order: the program that its variable names, PATH, the cache, the official release,
 * a build with Go or Java. The first run may take minutes and reports to `progress`. Throws ConfigError `config-invalid` when the
 * variable names no usable program, `server-missing` with every reason when all ways fail.
 */
export async function resolveServer(name: string, options: ResolveOptions = {}): Promise<ServerBinary> {
  const catalog = options.catalog ?? readCatalog();
  const entry = catalog[name];
  if (entry === undefined) {
    const known = Object.keys(catalog).join(', ');
    throw new ConfigError('config-invalid', `unknown server "${name}"; known servers: ${known}`, { where: name });
  }
  const progress = options.progress ?? (() => undefined);
  const search: Search = { name, entry, env: options.env ?? process.env, progress, failures: [] };
  return (await findInstalled(search)) ?? (await prepare(search));
}

/**
 * A server program that is on this machine already, with its version; undefined if it would be downloaded or built. Throws
 * ConfigError when the program of its variable or of the cache does not run.
 */
export async function locateServer(
  name: string,
  options: ResolveOptions = {},
): Promise<{ readonly path: string; readonly version: string } | undefined> {
  const entry = (options.catalog ?? readCatalog())[name];
  if (entry === undefined) return undefined;
  const env = options.env ?? process.env;
  const found = await findInstalled({ name, entry, env, progress: () => undefined, failures: [] });
  const path = found?.path ?? cachePath(name, entry, env);
  if (!existsSync(path)) return undefined;
  try {
    return { path, version: await versionOf(path) };
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    throw new ConfigError('config-invalid', `${path}: the program does not run: ${reason}`, {
      where: path,
      cause: error,
    });
  }
}

async function findInstalled(search: Search): Promise<ServerBinary | undefined> {
  const { name, entry, env } = search;
  const chosen = await serverFromVariable(entry, env);
  if (chosen !== undefined) return { name, path: chosen.path, source: 'variable' };
  const installed = await serverOnPath({ name, entry }, env, (reason) => {
    search.failures.push(reason);
    search.progress(`skipped ${reason}`);
  });
  return installed && { name, path: installed.path, source: 'path' };
}

/** Returns the server from the cache, after filling the cache if necessary. */
async function prepare(search: Search): Promise<ServerBinary> {
  const { name, entry, env, progress, failures } = search;
  const path = cachePath(name, entry, env);
  let source: ServerSource = 'cache';
  const make = async (directory: string): Promise<string> => {
    const release = entry.releases[`${process.platform}-${process.arch}`];
    // a program of Java is made on every machine
    if (release === undefined && entry.java === undefined) {
      failures.push(`release: no release for ${process.platform}-${process.arch} in the catalog`);
    }
    if (release !== undefined) {
      const downloaded = await attempt('release', search, () => downloadRelease(release, directory, { env, progress }));
      if (downloaded !== undefined) {
        source = 'release';
        return downloaded;
      }
    }
    const built = await attempt(entry.java === undefined ? 'Go' : 'Java', search, () =>
      buildServer({ name, entry }, directory, { env, progress }),
    );
    if (built === undefined) throw missing(search);
    source = entry.java === undefined ? 'go' : 'java';
    return cacheTarget(built, entry);
  };
  await fillCache(cacheTarget(path, entry), make, progress);
  return { name, path, source };
}

/** Tries one way to obtain a program. Returns undefined, and reports the reason, unless the program runs. */
async function attempt(way: string, search: Search, make: () => Promise<string>): Promise<string | undefined> {
  try {
    const program = await make();
    await chmod(program, 0o755);
    await versionOf(program);
    return program;
  } catch (error) {
    const reason = `${way}: ${error instanceof KFlowError ? error.message : `the program does not run: ${(error as Error).message}`}`;
    search.failures.push(reason);
    search.progress(reason);
    return undefined;
  }
}

function needsOf({ go, java }: CatalogEntry): string {
  if (java !== undefined) return `a JDK of Java ${java.needs} or newer and Maven`;
  return `Go ${go?.needs ?? ''} or newer`;
}

function missing({ name, entry, failures }: Search): ConfigError {
  const tried = [`${entry.variable}: not set`, 'PATH: no usable program of this name', ...failures];
  return new ConfigError(
    'server-missing',
    [
      `cannot find, download or build ${name} ${entry.version}:`,
      ...tried.map((reason) => `  - ${reason}`),
      `install ${needsOf(entry)}, or set ${entry.variable} to the path of ${name}`,
    ].join('\n'),
    { where: name },
  );
}
