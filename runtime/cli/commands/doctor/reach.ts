import { connect } from 'node:net';

const timeoutMs = 3_000;

/** Resolves when something listens at the port or socket; else throws with the place and the reason. */
export function reach(
  place: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<void> {
  const name = 'path' in place ? place.path : `${place.host}:${place.port}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ ...place, timeout: timeoutMs });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`cannot reach ${name}: ${reason}`));
    };
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('timeout', () => fail(`no answer within ${timeoutMs / 1_000} s`));
  });
}
