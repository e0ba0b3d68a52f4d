import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { isAlive } from '../adapters/processes/earlier-processes';
import { pause } from '../async/pause';
import type { CatalogEntry, Progress } from './server-catalog';

/**
 * Programs that were fetched or built, one folder a version.
 *
 * I1. A program is in the cache under its final name only when it is whole: it is made beside it and renamed.
 * I2. Whoever makes a program holds its lock and refreshes it; a lock not refreshed, or of a process of this machine
 *     that is gone, is broken. Two that break one lock at once both build, which I1 makes harmless.
 */
const LOCK_REFRESH_MS = 5_000;
const LOCK_STALE_MS = 60_000;
const LOCK_POLL_MS = 200;

/** Absolute path a program has, or will have, in the cache: below `$KFLOW_CACHE/servers`, else `~/.cache/kflow/servers`. */
export function cachePath(name: string, entry: CatalogEntry, env: NodeJS.ProcessEnv): string {
  const root = env.KFLOW_CACHE || join(homedir(), '.cache', 'kflow');
  return join(root, 'servers', `${name}-${entry.version}`, name);
}

/**
 * Runs `make` unless the program is there already, one at a time on this cache. `make` gets an empty directory on the
 * cache's file system and gives the program's path in it.
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
  let said = false;
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
      progress(`breaking the lock ${file}: its owner is gone`);
      await rm(file, { force: true });
    } else {
      if (!said) progress(`waiting for another process that prepares the same program (${file})`);
      said = true;
      await pause(LOCK_POLL_MS);
    }
  }
  const refresh = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), LOCK_REFRESH_MS);
  return async () => {
    clearInterval(refresh);
    await rm(file, { force: true });
  };
}

async function isStale(file: string): Promise<boolean> {
  try {
    const [host, pid] = (await readFile(file, 'utf8')).trim().split(' ');
    if (host === hostname() && pid !== undefined && !isAlive(Number(pid))) return true;
    return Date.now() - (await stat(file)).mtimeMs > LOCK_STALE_MS;
  } catch (error) {
    // Released since: not stale, and free at the next attempt.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
