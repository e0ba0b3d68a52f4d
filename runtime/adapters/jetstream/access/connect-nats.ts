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
import { type NatsServer, natsDomainOf, natsServers } from '../../../../lib/plan/nats-access';
import { jitteredBackoffMs } from '../../../async/backoff';
import { pause } from '../../../async/pause';
import { retry } from '../../../async/retry';
import { setDomain } from './jetstream-api';
import { codeOf, isRefusal, loginCodes, loginError, messageOf, refusalText } from './login-refusal';
import { loginOf, type MadeAccess, type NatsLogin } from './nats-login';
import { outageStatuses } from './outage-statuses';
import { tlsAlert } from './tls-alert';

/** Timeout of the first connection. Reconnects are not limited. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };
const reconnectDelays = { firstMs: 250, maxMs: 250 };
/** Reconnects to a server that refuses the login. */
const refusedDelays = { firstMs: 250, maxMs: 5_000 };

/** How long a connection is lost before its trouble is looked for. */
const lookAfterMs = 5_000;

/** What a process is told about a connection after the first connect. */
export interface ConnectionListener {
  /** A line for the log, once: no server can be reached at the first connect, which is tried again. It contains no secret. */
  readonly absent?: (text: string) => void;
  /** A line for the log: what keeps the connection from coming back. It contains no secret. */
  readonly trouble?: (text: string) => void;
  /** A reconnect's login was refused. */
  readonly refused?: (error: Error) => void;
  /** The connection is back. */
  readonly accepted?: () => void;
}

/**
 * Connects to nats and logs in. The server lists the connection under `name`.
 *
 * I1. Credentials and certificates are read again at every connect, so rotated files take effect without a restart.
 * I2. A refused login, or a certificate that cannot be verified, ends the first connect at once; a server that cannot be
 *     reached does after `timeoutMs`, a minute by default. Later, both are reported to the listener once an outage and retried without limit.
 * I3. No message contains what is in a file of the credentials.
 *
 * Throws ConfigError `config-invalid` or `secret-exposed` for an access that cannot be used, ConfigError `login-failed`
 * for I2, and StoreError `stream-failed` if no server can be reached.
 */
export async function connectNats(
  access: MadeAccess,
  name: string,
  listener: ConnectionListener = {},
  timeoutMs = connectTimeoutMs,
): Promise<NatsConnection> {
  const servers = natsServers(access.url);
  const domain = access.domain === undefined ? undefined : natsDomainOf(access.domain);
  const login = new CurrentLogin(access, listener);
  const options = {
    servers: servers.map(({ url }) => url),
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
  const whyAbsent = (cause: unknown) => `cannot connect to nats at ${access.url}: ${messageOf(cause)}`;
  const connection = await retry(() => attempt(), {
    isRetryable: (error) => !isRefusal(error),
    delays,
    timeoutMs,
    onRetry: (cause, made) => {
      if (made === 1) listener.absent?.(`${whyAbsent(cause)}; retrying`);
    },
    exhausted: (cause) => new StoreError('stream-failed', whyAbsent(cause), { cause }),
  }).catch((error) => {
    throw isRefusal(error) ? loginError(access, login.current, error) : error;
  });
  if (domain !== undefined) setDomain(connection, domain);
  void login.watch(connection, () => attempt({ name: `${name}, trouble`, reconnect: false }));
  return connection;
}

/** What `open` returns; if it throws, the connection is closed. */
export async function openOver<T>(connection: NatsConnection, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * The login of a connection, as its files are at each connect.
 *
 * I4. A server also ends a connection that is up when its token expires. That is no refusal: a connect that follows is one, or not.
 */
class CurrentLogin {
  readonly first: NatsLogin;
  current: NatsLogin;
  /** What was last reported about files that cannot be used. */
  private fault = '';
  /** In this outage. */
  private refusals = 0;

  constructor(
    private readonly access: MadeAccess,
    private readonly listener: ConnectionListener,
  ) {
    this.first = loginOf(access);
    this.current = this.first;
  }

  /** I1. The client closes a connection for good when this throws, so files in the middle of a change are read next time. */
  authenticate(nonce?: string): ReturnType<Authenticator> {
    try {
      this.current = loginOf(this.access);
    } catch (error) {
      this.report((error as Error).message);
    }
    return this.current.authenticator?.(nonce);
  }

  reconnectDelayMs(): number {
    return jitteredBackoffMs(this.refusals, this.refusals === 0 ? reconnectDelays : refusedDelays);
  }

  /** `attempt` connects once more, to learn why the connection does not come back: the client does not say. */
  async watch(connection: NatsConnection, attempt: () => Promise<NatsConnection>): Promise<void> {
    let outage: AbortController | undefined;
    // the statuses of a closed connection do not end
    void connection.closed().then(() => outage?.abort());
    for await (const { type, data } of outageStatuses(connection.status())) {
      if (type === Events.Disconnect && !connection.isClosed()) {
        outage = new AbortController();
        void this.lookForTrouble(attempt, outage.signal);
      }
      if (type === Events.Reconnect) {
        outage?.abort();
        outage = undefined;
        this.refusals = 0;
        this.fault = '';
        this.listener.accepted?.();
      }
      if (type === Events.Error && outage !== undefined) this.onError(String(data)); // I4
    }
  }

  private onError(code: string): void {
    const why = loginCodes.get(code);
    if (why === undefined || this.refusals++ > 0) return;
    this.listener.trouble?.(`${refusalText(this.access, this.current.way, code)}; retrying`);
    this.listener.refused?.(new Error(why));
  }

  /** Once for each text: the files are read at each attempt. */
  private report(fault: string): void {
    if (fault !== this.fault) this.listener.trouble?.(fault);
    this.fault = fault;
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
      this.listener.trouble?.(`${loginError(this.access, this.current, found).message}; retrying`);
      return;
    }
  }
}

/**
 * TLS if a URL or a file of the credentials asks for it. Node verifies a certificate against a name, and the client knows
 * none for an address: a certificate is accepted if it is valid for one of the servers of the URL.
 */
function tlsOptions(servers: readonly NatsServer[], login: NatsLogin): { readonly tls?: TlsOptions } {
  if (login.tls === undefined && !servers.some(({ isTls }) => isTls)) return {};
  const checkServerIdentity: typeof tls.checkServerIdentity = (host, certificate) => {
    const names = [host, ...servers.map((server) => server.host)];
    const faults = names.map((name) => tls.checkServerIdentity(name, certificate));
    return faults.includes(undefined) ? undefined : faults[1];
  };
  return { tls: { ...login.tls, ...{ checkServerIdentity } } };
}
