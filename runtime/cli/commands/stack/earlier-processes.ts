import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../../../adapters/processes/is-alive';
import { waitUntil } from '../../../async/poll';
import type { StackDirectory } from './stack-directory';

export const serverNames = ['nats', 'temporal', 's3', 'controller'] as const;

/** Guards give the servers of a supervisor that was killed five seconds to end. */
const endWithinMs = 7_000;
const pollMs = 50;

/**
 * Waits until the servers that an earlier supervisor left have ended: two on the same data would spoil it, even where the
 * first one listens no more. A number that has passed to some other process holds it up for seven seconds and no longer.
 */
export async function waitForEarlierProcesses(directory: StackDirectory): Promise<void> {
  const haveEnded = () => !serverNames.some((name) => isRunning(path.join(directory.dataOf(name), 'pid')));
  await waitUntil(haveEnded, { intervalMs: pollMs, timeoutMs: endWithinMs });
}

function isRunning(file: string): boolean {
  return existsSync(file) && isAlive(Number(readFileSync(file, 'utf8')));
}
