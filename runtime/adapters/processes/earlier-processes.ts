import { existsSync, readFileSync } from 'node:fs';
import { waitUntil } from '../../async/poll';

/** Guards end the processes of a killed parent within five seconds. */
const endWithinMs = 7_000;
const pollMs = 50;

/** Whether a process with this id exists, of whatever user. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // ESRCH: no such process
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Waits until the processes that an earlier, killed parent started have ended: two processes would work on the same data.
 * Each file holds a pid. A pid that now belongs to another process delays the caller by at most seven seconds.
 */
export async function waitForEarlierProcesses(pidFiles: readonly string[]): Promise<void> {
  const isRunning = (file: string) => existsSync(file) && isAlive(Number(readFileSync(file, 'utf8')));
  await waitUntil(() => !pidFiles.some(isRunning), { intervalMs: pollMs, timeoutMs: endWithinMs });
}
