import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ConfigError } from '../../lib/errors';
import { isAlive } from '../adapters/processes/earlier-processes';
import { waitUntil } from '../async/poll';

/** The last run's server may need this long to end after its parent was killed. */
const RELEASE_TIMEOUT_MS = 6_500;
const POLL_MS = 100;

/** The port that is tried first: `wished` always, `usual` as long as none is kept. */
export interface PortWish {
  readonly wished?: number;
  readonly usual?: number;
}

/**
 * The loopback port of the server that keeps its data in `dataDir`: chosen once, written to the file `port`, and
 * chosen again only when somebody else has taken it. One that is wished and not to be had changes nothing for the next
 * start. Throws ConfigError when that somebody is the same server, started by another process on the same data.
 */
export async function keptPort(name: string, dataDir: string, { wished, usual }: PortWish = {}): Promise<number> {
  const file = join(dataDir, 'port');
  const keep = (port: number) => {
    writeFileSync(file, `${port}\n`);
    return port;
  };
  const kept = wished ?? readNumber(file) ?? usual;
  const pid = readNumber(join(dataDir, 'pid'));
  if (kept !== undefined) {
    let free = await isFree(kept);
    const isDecided = async () => {
      const hasOwner = pid !== undefined && isAlive(pid);
      free = await isFree(kept); // read after the owner's end, which frees the port
      return free || !hasOwner;
    };
    if (!free) await waitUntil(isDecided, { intervalMs: POLL_MS, timeoutMs: RELEASE_TIMEOUT_MS });
    if (free) return keep(kept);
    if (pid !== undefined && isAlive(pid)) {
      const message = `${name} already runs on ${dataDir} as process ${pid}; stop that one, or use another directory`;
      throw new ConfigError('server-failed', message, { where: dataDir });
    }
  }
  const port = await freePort();
  return wished === undefined ? keep(port) : port;
}

function readNumber(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const value = Number(readFileSync(file, 'utf8'));
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

function freePort(): Promise<number> {
  return listenOnce(0);
}

async function isFree(port: number): Promise<boolean> {
  try {
    return (await listenOnce(port)) === port;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Listens on a loopback port and lets it go again; 0 is any. */
function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
