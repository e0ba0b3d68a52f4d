import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { StateError } from '../../../lib/errors';
import type { StackDirectory } from './stack-directory';

/**
 * A socket that shows that a supervisor serves a stack, and sends its pid; only a living process can hold a socket. A pid
 * in a file may belong to another process by now.
 */
export interface Presence {
  close(): Promise<void>;
}

const answerTimeoutMs = 5_000;

/** Holds the stack's folder for this process. Throws StateError when another process holds it. */
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

/** The pid of the supervisor that holds the folder; undefined when none does. */
export function presentPid(directory: StackDirectory): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path: directory.socket('up.sock'), timeout: answerTimeoutMs });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    // no such file, or nothing listens
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
