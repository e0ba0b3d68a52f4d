/**
 * `clean-up HOME`: waits until its standard input ends, as it does when its parent ends for whatever reason. Then it kills
 * the process whose pid is the last line of the input, with which the namespaces of the node end, and removes all that
 * they leave on the machine.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../../runtime/adapters/processes/earlier-processes';
import { cgroupFolders } from './machine';

/** Prefix of the folders of runs, short because paths of Unix sockets are limited to 103 bytes. */
export const homePrefix = 'kfn-';
/** Holds the pid of the process that cleans up after a run. */
export const cleanerFile = 'cleaner.pid';
const madeFile = 'made-folders';
const attempts = 300;
const pauseMs = 100;

/** Notes the folders that a run has made outside its own. */
export function noteMadeFolders(home: string, folders: readonly string[]): void {
  writeFileSync(path.join(home, madeFile), folders.map((folder) => `${folder}\n`).join(''));
}

/** Removes what runs have left whose cleaner was killed, too. */
export async function removeLeftovers(): Promise<void> {
  const homes = readdirSync(tmpdir()).filter((name) => name.startsWith(homePrefix));
  for (const home of homes.map((name) => path.join(tmpdir(), name))) {
    const cleaner = path.join(home, cleanerFile);
    if (!existsSync(cleaner) || !isAlive(Number(readFileSync(cleaner, 'utf8')))) await removeRun(home);
  }
}

async function removeRun(home: string): Promise<void> {
  const made = path.join(home, madeFile);
  const folders = existsSync(made) ? readFileSync(made, 'utf8').split('\n').filter(Boolean) : [];
  // the processes of a namespace that has ended need a moment to go
  await repeatedly(() => {
    for (const folder of cgroupFolders()) removeTree(folder);
    for (const folder of folders.filter((each) => existsSync(each))) rmdirSync(folder);
    rmSync(home, { recursive: true, force: true });
  });
}

/** Folders of cgroups hold files that cannot be removed, and go without them. */
function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(path.join(folder, entry.name));
  }
  rmdirSync(folder);
}

async function repeatedly(work: () => void): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      if (attempt === attempts) throw error;
      await delay(pauseMs);
    }
  }
}

async function main([home = '']: readonly string[]): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const lines: string[] = [];
  for await (const line of createInterface({ input: process.stdin })) lines.push(line);
  const pid = Number(lines.at(-1) ?? 0);
  if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
  await removeRun(home);
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`the node was not cleaned up: ${String((error as Error).stack)}\n`);
    process.exitCode = 1;
  });
}
