import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ConfigError } from '../../lib/errors';
import { isAlive } from '../adapters/processes/earlier-processes';
import { waitUntil } from '../async/poll';

/** After its parent was killed, the server of the previous run may need this long to end. */
const releaseTimeoutMs = 6_500;
const pollMs = 100;

/** The address at which servers listen, unless told otherwise. */
export const loopback = '127.0.0.1';

export interface PortChoice {
  /** Tried first. */
  readonly requested?: number;
  /** Tried first when no earlier port is recorded. */
  readonly preferred?: number;
  /** Ports that others are going to take. */
  readonly avoided?: readonly number[];
}

/**
 * Chooses the port of the server with its data in `dataDir`. The port is recorded in the file `port` and reused
 * until another program takes it; a requested port that is in use is not recorded. Throws ConfigError when the server
 * itself already runs on this data.
 */
export async function choosePort(
  name: string,
  dataDir: string,
  { requested, preferred, avoided = [], host = loopback }: PortChoice & { readonly host?: string } = {},
): Promise<number> {
  const file = join(dataDir, 'port');
  const record = (port: number) => {
    writeFileSync(file, `${port}\n`);
    return port;
  };
  const kept = readNumber(file);
  const first = requested ?? (kept !== undefined && avoided.includes(kept) ? undefined : kept) ?? preferred;
  const pid = readNumber(join(dataDir, 'pid'));
  if (first !== undefined) {
    let free = await isFree(first, host);
    const isDecided = async () => {
      const hasOwner = pid !== undefined && isAlive(pid);
      free = await isFree(first, host); // checked after the owner, whose end frees the port
      return free || !hasOwner;
    };
    if (!free) await waitUntil(isDecided, { intervalMs: pollMs, timeoutMs: releaseTimeoutMs });
    if (free) return record(first);
    if (pid !== undefined && isAlive(pid)) {
      const message = `${name} is already running on ${dataDir} (process ${pid}); stop that process, or use another directory`;
      throw new ConfigError('server-failed', message, { where: dataDir });
    }
  }
  const port = await freePort(host, avoided);
  return requested === undefined ? record(port) : port;
}

function readNumber(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const value = Number(readFileSync(file, 'utf8'));
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

async function freePort(host: string, avoided: readonly number[]): Promise<number> {
  for (;;) {
    const port = await listenOnce(0, host);
    if (!avoided.includes(port)) return port;
  }
}

async function isFree(port: number, host: string): Promise<boolean> {
  try {
    return (await listenOnce(port, host)) === port;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Listens on a port and closes it again; 0 means any free port. */
function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
