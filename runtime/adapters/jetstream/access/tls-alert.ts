import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { TlsOptions } from 'nats';

/** How long a server may take to refuse a client certificate. */
const alertTimeoutMs = 2_000;

/**
 * The alert with which a server ends a TLS connection, as it does without a client certificate that it trusts. In TLS 1.3
 * the alert follows the handshake, and the client of nats reports a timeout in its place. Undefined when none of the
 * servers sends an alert.
 */
export async function tlsAlert(
  servers: readonly string[],
  { caFile, certFile, keyFile }: TlsOptions,
): Promise<Error | undefined> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const options = { ca: read(caFile), cert: read(certFile), key: read(keyFile) };
  const alerts = await Promise.all(
    servers.map((server) => alertOf(new URL(server.replace(/^(\w+:\/\/)?/, 'nats://')), options)),
  );
  return alerts.find((alert) => alert !== undefined);
}

function alertOf({ hostname, port }: URL, options: tls.SecureContextOptions): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 4222) });
    const end = (alert?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(alert);
    };
    const timer = setTimeout(end, alertTimeoutMs);
    socket.on('error', () => end());
    socket.once('data', (info) => {
      if (!String(info).includes('"tls_required":true')) return end();
      // the client has verified the server: here only its alert counts
      const secure = tls.connect({ ...options, socket, rejectUnauthorized: false });
      secure.on('error', end);
      secure.on('data', () => end());
      secure.on('close', () => end());
    });
  });
}
