import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../../../adapters/processes/is-alive';
import { waitUntil } from '../../../async/poll';
import type { StackDirectory } from './stack-directory';

export const serverNames = ['nats', 'temporal', 's3', 'controller'] as const;

/** The guards of a killed supervisor end its servers within five seconds. */
const endWithinMs = 7_000;
const pollMs = 50;

/**
 * Waits until the servers of an earlier supervisor have ended: two servers would corrupt the same data, even when the first
 * no longer listens. A pid that now belongs to another process delays the start by at most seven seconds.
 */
export async function waitForEarlierProcesses(directory: StackDirectory): Promise<void> {
  const haveEnded = () => !serverNames.some((name) => isRunning(path.join(directory.dataOf(name), 'pid')));
  await waitUntil(haveEnded, { intervalMs: pollMs, timeoutMs: endWithinMs });
}

function isRunning(file: string): boolean {
  return existsSync(file) && isAlive(Number(readFileSync(file, 'utf8')));
}
