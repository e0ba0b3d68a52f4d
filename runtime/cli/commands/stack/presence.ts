import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { StateError } from '../../../../lib/errors';
import type { StackDirectory } from './stack-directory';

/**
 * The proof that a supervisor serves a stack: a socket that tells its pid, and that only a living process can hold. A
 * pid in a file proves nothing once the number belongs to somebody else.
 */
export interface Presence {
  close(): Promise<void>;
}

const answerTimeoutMs = 5_000;

/** Holds the stack's folder for this process. Throws StateError when another one has it. */
export async function holdPresence(directory: StackDirectory): Promise<Presence> {
  const path = directory.socket('up.sock');
  directory.make();
  const server = await listen(path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    const pid = await presentPid(directory);
    if (pid !== undefined) {
      throw new StateError(
        'state-invalid',
        `${directory.path} is held by the process ${pid}, which is starting or ending`,
      );
    }
    // what a supervisor that was killed has left
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
    // no such file, or one that nobody listens on
    socket.once('error', () => resolve(undefined));
    socket.once('timeout', () => socket.destroy());
    socket.once('close', () => resolve(/^\d+\n$/.test(text) ? Number(text) : undefined));
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      // who asks may be gone already
      socket.on('error', () => undefined);
      socket.end(`${process.pid}\n`);
    });
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}
