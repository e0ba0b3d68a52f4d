import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { StateError } from '../../../lib/errors';
import type { StackDirectory } from './stack-directory';

/**
 * A socket on which a supervisor sends its pid while it runs. Only a living process can hold a socket, whereas the pid in
 * a file may now belong to another process.
 */
export interface Presence {
  close(): Promise<void>;
}

const answerTimeoutMs = 5_000;

/** Locks the stack's folder for this process. Throws StateError when another process holds the lock. */
export async function holdPresence(directory: StackDirectory): Promise<Presence> {
  const path = directory.socket('up.sock');
  directory.make();
  const server = await listen(path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    const pid = await presentPid(directory);
    if (pid !== undefined) {
      throw new StateError(
        'state-invalid',
        `${directory.path} is in use by the process ${pid}, which is starting or ending`,
      );
    }
    // left by a supervisor that was killed
    unlinkSync(path);
    return listen(path);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** The pid of the supervisor that holds the folder, or undefined. */
export function presentPid(directory: StackDirectory): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path: directory.socket('up.sock'), timeout: answerTimeoutMs });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    // no such file, or no process listens
    socket.once('error', () => resolve(undefined));
    socket.once('timeout', () => socket.destroy());
    socket.once('close', () => resolve(/^\d+\n$/.test(text) ? Number(text) : undefined));
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      // the client may be gone already
      socket.on('error', () => undefined);
      socket.end(`${process.pid}\n`);
    });
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}
