import tls from 'node:tls';
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  ErrorCode,
  Events,
  type NatsConnection,
  type TlsOptions,
} from 'nats';
import { StoreError } from '../../../../lib/errors';
import { natsDomainOf, natsServers } from '../../../../lib/plan/nats-access';
import { jitteredBackoffMs } from '../../../async/backoff';
import { pause } from '../../../async/pause';
import { retry } from '../../../async/retry';
import { setDomain } from './jetstream-api';
import { codeOf, isRefusal, loginCodes, messageOf, refusalOf, refused } from './login-refusal';
import { loginOf, type MadeAccess, type NatsLogin } from './nats-login';
import { tlsAlert } from './tls-alert';

/** Timeout of the first connection. Reconnects are not limited. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };
const reconnectDelays = { firstMs: 250, maxMs: 250 };
/** Reconnects to a server that refuses the login. */
const refusedDelays = { firstMs: 250, maxMs: 5_000 };

/** How long a connection is lost before its trouble is looked for. */
const lookAfterMs = 5_000;

/** Called with a line for the log: what keeps a connection from coming back. It contains no secret. */
export type OnConnectionTrouble = (text: string) => void;

/**
 * Connects to nats and logs in. The server lists the connection under `name`.
 *
 * I1. Credentials and certificates are read again at every connect, so rotated files take effect without a restart.
 * I2. A refused login, or a certificate that cannot be verified, ends the first connect at once; a server that cannot be
 *     reached does after a minute. Later, both are reported to `onTrouble` once and retried without limit.
 * I3. No message contains what is in a file of the credentials.
 *
 * Throws ConfigError `config-invalid` or `secret-exposed` for an access that cannot be used, ConfigError `login-failed`
 * for I2, and StoreError `stream-failed` if no server can be reached.
 */
export async function connectNats(
  access: MadeAccess,
  name: string,
  onTrouble: OnConnectionTrouble = () => undefined,
): Promise<NatsConnection> {
  const servers = natsServers(access.url);
  const domain = access.domain === undefined ? undefined : natsDomainOf(access.domain);
  const login = new CurrentLogin(access, onTrouble);
  const options = {
    servers: [...servers],
    name,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => login.reconnectDelayMs(),
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    timeout: 5_000,
    authenticator: (nonce?: string) => login.authenticate(nonce),
    ...tlsOptions(servers, login.first),
  };
  const attempt = (more: ConnectionOptions = {}) =>
    connect({ ...options, ...more }).catch(async (error) => {
      if (codeOf(error) !== ErrorCode.Timeout) throw error;
      throw (await tlsAlert(servers, login.first.tls ?? {})) ?? error;
    });
  const connection = await retry(() => attempt(), {
    isRetryable: (error) => !isRefusal(error),
    delays,
    timeoutMs: connectTimeoutMs,
    exhausted: (cause) =>
      new StoreError('stream-failed', `cannot connect to nats at ${access.url}: ${messageOf(cause)}`, { cause }),
  }).catch((error) => {
    throw isRefusal(error) ? refused(access, login.way, error) : error;
  });
  if (domain !== undefined) setDomain(connection, domain);
  void login.watch(connection, () => attempt({ name: `${name}, trouble`, reconnect: false }));
  return connection;
}

/** Reports when the server refuses a reconnect's login, and when it accepts one again, until the connection is closed. */
export async function reportLogin(
  connection: NatsConnection,
  reports: { refused(error: Error): void; accepted(): void },
): Promise<void> {
  for await (const { type, data } of connection.status()) {
    if (type === Events.Reconnect) reports.accepted();
    const why = type === Events.Error ? loginCodes.get(String(data)) : undefined;
    if (why !== undefined) reports.refused(new Error(why));
  }
}

/** The login of a connection, as its files are at each connect. */
class CurrentLogin {
  readonly first: NatsLogin;
  private current: NatsLogin;
  private refusals = 0;

  constructor(
    private readonly access: MadeAccess,
    private readonly onTrouble: OnConnectionTrouble,
  ) {
    this.first = loginOf(access);
    this.current = this.first;
  }

  get way(): string {
    return this.current.way;
  }

  /** I1. The client closes a connection for good when this throws, so files in the middle of a change are read next time. */
  authenticate(nonce?: string): ReturnType<Authenticator> {
    try {
      this.current = loginOf(this.access);
    } catch (error) {
      this.onTrouble((error as Error).message);
    }
    return this.current.authenticator?.(nonce);
  }

  reconnectDelayMs(): number {
    return jitteredBackoffMs(this.refusals, this.refusals === 0 ? reconnectDelays : refusedDelays);
  }

  /** `attempt` connects once more, to learn why the connection does not come back: the client does not say. */
  async watch(connection: NatsConnection, attempt: () => Promise<NatsConnection>): Promise<void> {
    let outage = new AbortController();
    for await (const { type, data } of connection.status()) {
      if (type === Events.Disconnect) {
        outage.abort();
        outage = new AbortController();
        void this.lookForTrouble(attempt, outage.signal);
      }
      if (type === Events.Reconnect) {
        this.refusals = 0;
        outage.abort();
      }
      if (type !== Events.Error || !loginCodes.has(String(data))) continue;
      if (this.refusals++ === 0) this.onTrouble(`${refusalOf(this.access, this.way, String(data))}; retrying`);
    }
    outage.abort();
  }

  /** Reports a server whose certificate cannot be verified, or that does not accept the client's, once an outage. */
  private async lookForTrouble(attempt: () => Promise<NatsConnection>, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(lookAfterMs, signal);
      if (signal.aborted || this.refusals > 0) return;
      const found = await attempt().then(
        (connection) => connection.close().then(() => undefined),
        (error) => error,
      );
      if (signal.aborted || this.refusals > 0) return;
      if (!isRefusal(found)) continue;
      return this.onTrouble(`${refused(this.access, this.way, found).message}; retrying`);
    }
  }
}

/**
 * TLS if a URL or a file of the credentials asks for it. Node verifies a certificate against a name, and the client knows
 * none for an address: a certificate is accepted if it is valid for one of the servers of the URL.
 */
function tlsOptions(servers: readonly string[], login: NatsLogin): { readonly tls?: TlsOptions } {
  if (login.tls === undefined && !servers.some((server) => /^tls:/i.test(server))) return {};
  const hosts = servers.map((server) =>
    server
      .replace(/^\w+:\/\//, '')
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, ''),
  );
  const checkServerIdentity: typeof tls.checkServerIdentity = (host, certificate) => {
    const faults = [host, ...hosts].map((name) => tls.checkServerIdentity(name, certificate));
    return faults.includes(undefined) ? undefined : faults[1];
  };
  return { tls: { ...login.tls, ...{ checkServerIdentity } } };
}
