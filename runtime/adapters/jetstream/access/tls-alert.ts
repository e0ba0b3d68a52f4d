import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { TlsOptions } from 'nats';
import type { NatsServer } from '../../../../lib/plan/nats-access';
import { greetingOf } from './server-greeting';

/** How long a server may take to refuse a client certificate. */
const alertTimeoutMs = 2_000;

/**
 * The alert with which a server ends a TLS connection, as it does without a client certificate that it trusts. In TLS 1.3
 * the alert follows the handshake, and the client of nats reports a timeout in its place. Undefined when none of the
 * servers sends an alert.
 */
export async function tlsAlert(
  servers: readonly NatsServer[],
  { caFile, certFile, keyFile }: TlsOptions,
): Promise<Error | undefined> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const options = { ca: read(caFile), cert: read(certFile), key: read(keyFile) };
  const alerts = await Promise.all(servers.map((server) => alertOf(server, options).catch(() => undefined)));
  return alerts.find((alert) => alert !== undefined);
}

async function alertOf(server: NatsServer, options: tls.SecureContextOptions): Promise<Error | undefined> {
  const { greeting, socket } = await greetingOf(server);
  try {
    if (greeting.tls_required !== true) return undefined;
    // the client has verified the server: here only its alert counts
    const secure = tls.connect({ ...options, socket, rejectUnauthorized: false });
    const signal = AbortSignal.timeout(alertTimeoutMs);
    return await Promise.race([once(secure, 'data', { signal }), once(secure, 'close', { signal })]).then(
      () => undefined,
      (error) => (signal.aborted ? undefined : error),
    );
  } finally {
    socket.destroy();
  }
}
