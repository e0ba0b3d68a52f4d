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

/** Far longer than a busy supervisor takes. */
const answerTimeoutMs = 60_000;

/** What a connection fails with when no process listens. */
const absence: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ECONNRESET'];

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

/**
 * The pid of the supervisor that holds the folder, or undefined. Throws StateError when the holder does not answer: it may
 * be stopped, but its data must not be opened twice.
 */
export function presentPid(directory: StackDirectory): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(directory.socket('up.sock'));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    const silence = `the process that holds ${directory.path} does not answer; end it, or wait until it is less busy`;
    const timer = setTimeout(() => socket.destroy(new StateError('state-invalid', silence)), answerTimeoutMs);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (!absence.includes(error.code)) reject(error);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(/^\d+\n$/.test(text) ? Number(text) : undefined);
    });
  });
}

/** Whether a process holds the folder, though it may be too busy to answer. */
export function isHeld(directory: StackDirectory): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(directory.socket('up.sock'), () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      absence.includes(error.code) ? resolve(false) : reject(error),
    );
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
