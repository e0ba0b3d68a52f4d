import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { isAlive } from '../adapters/processes/earlier-processes';
import { pause } from '../async/pause';
import { packageRoot } from '../package-root';
import type { CatalogEntry, Progress } from './server-catalog';

/**
 * Downloaded and built programs, one folder per version.
 *
 * I1. A program has its final name in the cache only when it is complete: it is created beside its target and renamed.
 * I2. The process that creates a program holds a lock and refreshes it. A lock that is not refreshed, or whose process on
 *     this machine has ended, is broken. Two processes that break the same lock both create the program, which I1 makes
 *     harmless.
 */
const lockRefreshMs = 5_000;
const lockStaleMs = 60_000;
const lockPollMs = 200;

/**
 * Absolute path of a program in the cache, below `$KFLOW_CACHE/servers` or `~/.cache/kflow/servers`. The folder of a program
 * that only a module of this package builds changes with the module's sources.
 */
export function cachePath(name: string, entry: CatalogEntry, env: NodeJS.ProcessEnv): string {
  const root = env.KFLOW_CACHE || join(homedir(), '.cache', 'kflow');
  const { go, java, releases } = entry;
  const directory = java?.directory ?? (go !== undefined && 'directory' in go ? go.directory : undefined);
  const isBuiltHere = directory !== undefined && Object.keys(releases).length === 0;
  const sources = isBuiltHere ? `-${digestOfModule(join(packageRoot, directory))}` : '';
  const folder = join(root, 'servers', `${name}-${entry.version}${sources}`);
  return entry.java === undefined ? join(folder, name) : join(folder, 'program', name);
}

/** What `fillCache` makes: a program, or the folder with a program of several files. */
export function cacheTarget(path: string, entry: CatalogEntry): string {
  return entry.java === undefined ? path : dirname(path);
}

function digestOfModule(directory: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(directory)
    .filter((each) => /\.(go|mod|sum|java|xml)$/.test(each))
    .sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(directory, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

/**
 * Runs `make` unless the target exists; at most one process makes a target at a time. `make` gets an empty directory on
 * the file system of the cache and returns the path of the program in it.
 */
export async function fillCache(
  target: string,
  make: (directory: string) => Promise<string>,
  progress: Progress,
): Promise<void> {
  if (existsSync(target)) return;
  await mkdir(dirname(target), { recursive: true });
  const unlock = await lock(`${target}.lock`, progress);
  const directory = `${target}.${process.pid}.${Date.now()}.tmp`;
  try {
    if (existsSync(target)) return;
    await mkdir(directory);
    await rename(await make(directory), target);
  } finally {
    await rm(directory, { recursive: true, force: true });
    await unlock();
  }
}

async function lock(file: string, progress: Progress): Promise<() => Promise<void>> {
  let isReported = false;
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(`${hostname()} ${process.pid}\n`);
      await handle.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await isStale(file)) {
      progress(`breaking the lock ${file}: its owner has ended`);
      await rm(file, { force: true });
    } else {
      if (!isReported) progress(`waiting for another process to finish the same program (${file})`);
      isReported = true;
      await pause(lockPollMs);
    }
  }
  const refresh = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), lockRefreshMs);
  return async () => {
    clearInterval(refresh);
    await rm(file, { force: true });
  };
}

async function isStale(file: string): Promise<boolean> {
  try {
    const [host, pid] = (await readFile(file, 'utf8')).trim().split(' ');
    if (host === hostname() && pid !== undefined && !isAlive(Number(pid))) return true;
    return Date.now() - (await stat(file)).mtimeMs > lockStaleMs;
  } catch (error) {
    // released meanwhile: the next attempt gets the lock
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
