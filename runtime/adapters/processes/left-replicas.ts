import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { waitUntil } from '../../async/poll';
import { isAlive } from './is-alive';

/** Name of the file in a replica's folder that holds its pid while it runs. */
export const pidFileName = 'pid';

/** Guards give the replicas of a node that was killed five seconds to end. */
const endWithinMs = 7_000;
const pollMs = 50;

/**
 * Waits until the replicas that an earlier node has left below the folder have ended: two with the same number would do
 * the same work. A pid that has passed to some other process holds it up for seven seconds and no longer.
 */
export async function waitForLeftReplicas(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const pidFiles = files.filter((file) => path.basename(file) === pidFileName);
  const pids = pidFiles.map((file) => Number(readFileSync(path.join(folder, file), 'utf8')));
  await waitUntil(() => !pids.some(isAlive), { intervalMs: pollMs, timeoutMs: endWithinMs });
}
