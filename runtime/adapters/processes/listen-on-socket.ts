import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';

/** What the kernel takes, on macOS. */
const maxPathBytes = 103;

/**
 * Listens on a Unix socket that only this user can connect to. A file that a dead server has left is taken over; throws
 * ConfigError when a living one has it, or when the path is too long for a socket.
 */
export async function listenOnSocket(server: Server, socketPath: string): Promise<void> {
  if (Buffer.byteLength(socketPath) > maxPathBytes) {
    const message = `${socketPath} is too long for a socket, which takes ${maxPathBytes} bytes; use a directory nearer to the root`;
    throw new ConfigError('config-invalid', message);
  }
  mkdirSync(path.dirname(socketPath), { recursive: true });
  if (await isServed(socketPath)) {
    const message = `${socketPath} is served by another process already: end that one first, or use another directory`;
    throw new ConfigError('config-invalid', message);
  }
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new ConfigError('config-invalid', `${socketPath} cannot be listened on: ${cause.message}`, { cause }));
    });
    server.listen(socketPath, resolve);
  });
  chmodSync(socketPath, 0o600);
}

/** Somebody takes connections there. */
function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false)); // no file, or one that nobody listens at
  });
}
