import tls from 'node:tls';
import { type Authenticator, connect, ErrorCode, Events, type NatsConnection, NatsError, type TlsOptions } from 'nats';
import { ConfigError, StoreError } from '../../../../lib/errors';
import { type NatsAccess, natsDomainOf, natsServers } from '../../../../lib/plan/nats-access';
import { jitteredBackoffMs } from '../../../async/backoff';
import { retry } from '../../../async/retry';
import { setDomain } from './jetstream-api';
import { type NatsLogin, readLogin } from './nats-login';
import { tlsAlert } from './tls-alert';

/** Timeout of the first connection. Reconnects are not limited. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };
/** Reconnects to a server that refuses the login. */
const refusedDelays = { firstMs: 250, maxMs: 5_000 };

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
  access: NatsAccess,
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
  const attempt = () =>
    connect(options).catch(async (error) => {
      if (codeOf(error) !== ErrorCode.Timeout) throw error;
      throw (await tlsAlert(servers, login.first.tls ?? {})) ?? error;
    });
  const connection = await retry(attempt, {
    isRetryable: (error) => !isRefusal(error),
    delays,
    timeoutMs: connectTimeoutMs,
    exhausted: (cause) =>
      new StoreError('stream-failed', `cannot connect to nats at ${access.url}: ${messageOf(cause)}`, { cause }),
  }).catch((error) => {
    throw isRefusal(error) ? refused(access, login.way, error) : error;
  });
  if (domain !== undefined) setDomain(connection, domain);
  void login.watch(connection);
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
    private readonly access: NatsAccess,
    private readonly onTrouble: OnConnectionTrouble,
  ) {
    this.first = readLogin(access.credentials);
    this.current = this.first;
  }

  get way(): string {
    return this.current.way;
  }

  /** I1. The client closes a connection for good when this throws, so files in the middle of a change are read next time. */
  authenticate(nonce?: string): ReturnType<Authenticator> {
    try {
      this.current = readLogin(this.access.credentials);
    } catch (error) {
      this.onTrouble((error as Error).message);
    }
    return this.current.authenticator?.(nonce);
  }

  reconnectDelayMs(): number {
    return jitteredBackoffMs(0, this.refusals === 0 ? { firstMs: 250, maxMs: 250 } : refusedDelays);
  }

  async watch(connection: NatsConnection): Promise<void> {
    for await (const { type, data } of connection.status()) {
      if (type === Events.Reconnect) this.refusals = 0;
      if (type !== Events.Error || !loginCodes.has(String(data))) continue;
      if (this.refusals++ === 0) this.onTrouble(`${refusalOf(this.access, this.way, String(data))}; retrying`);
    }
  }
}

/** How the server answers a login that it refuses. */
const loginCodes: ReadonlyMap<string, string> = new Map<string, string>([
  [ErrorCode.AuthorizationViolation, 'authorization violation'],
  [ErrorCode.AuthenticationExpired, 'the credentials have expired'],
  [ErrorCode.AccountExpired, 'the account has expired'],
]);

/** Codes of Node for certificates that cannot be verified, and of OpenSSL for handshakes that a side ended. */
const certificateCodes = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_|ERR_TLS_|ERR_SSL_|ERR_OSSL_)/;

/** Whether a connect failed in a way that a further one would repeat. */
function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  const isOfClient = code === ErrorCode.Tls || code === ErrorCode.ServerOptionNotAvailable;
  return loginCodes.has(code) || isOfClient || certificateCodes.test(code);
}

function refused(access: NatsAccess, way: string, error: unknown): ConfigError {
  const code = codeOf(error);
  if (loginCodes.has(code)) return new ConfigError('login-failed', refusalOf(access, way, code), { cause: error });
  return new ConfigError('login-failed', `cannot log in at nats at ${access.url}: ${tlsFault(way, code, error)}`, {
    cause: error,
  });
}

function tlsFault(way: string, code: string, error: unknown): string {
  if (code === ErrorCode.ServerOptionNotAvailable) {
    return 'the server has no TLS; remove ca.crt, tls.crt and tls.key, and use nats:// in the URL';
  }
  const text = `TLS failed, ${messageOf(error)}`;
  if (code === ErrorCode.Tls) return `${text}; correct ca.crt, tls.crt and tls.key`;
  if (!code.includes('ALERT'))
    return `${text}; want ca.crt with the CA of the server, and a valid certificate at the server`;
  return way.includes('certificate')
    ? `${text}; want a tls.crt that the server trusts`
    : `${text}; add the client certificate that the server asks for, as tls.crt and tls.key`;
}

function refusalOf({ url, credentials }: NatsAccess, way: string, code: string): string {
  const place = credentials === undefined ? '' : ` of ${credentials}`;
  return `nats at ${url} refused the login with ${way}${place}: ${loginCodes.get(code) ?? code}`;
}

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code ?? '');
}

/** The reason alone, if the error is one of OpenSSL. */
function messageOf(error: unknown): string {
  const own = error instanceof NatsError ? (error.chainedError ?? error) : error;
  const { reason, message } = own as { readonly reason?: string; readonly message?: string };
  return reason ?? message ?? String(own);
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
