import net from 'node:net';
import type { NatsServer } from '../../../../lib/plan/nats-access';

/** What a server asks of clients that have not logged in: the INFO with which it begins a connection. */
export interface Greeting {
  readonly auth_required?: boolean;
  readonly tls_required?: boolean;
  readonly tls_verify?: boolean;
}

const timeoutMs = 3_000;

/** The greeting of a server, with the connection on which it came. The caller destroys the socket. Throws without a greeting. */
export function greetingOf({
  host,
  port,
}: NatsServer): Promise<{ readonly greeting: Greeting; readonly socket: net.Socket }> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: timeoutMs });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    let text = '';
    const read = (chunk: Buffer) => {
      text += chunk;
      if (!text.includes('\n')) return;
      socket.removeAllListeners().setTimeout(0);
      try {
        resolve({ greeting: JSON.parse(text.replace(/^INFO /, '')), socket });
      } catch (error) {
        fail(error as Error);
      }
    };
    socket.on('data', read);
    socket.on('error', fail);
    socket.on('timeout', () => fail(new Error(`no greeting within ${timeoutMs / 1_000} s`)));
    socket.on('end', () => fail(new Error('the connection ended')));
  });
}
