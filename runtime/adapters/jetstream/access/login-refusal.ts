import { ErrorCode, NatsError } from 'nats';
import { ConfigError } from '../../../../lib/errors';
import type { MadeAccess } from './nats-login';

/** How the server answers a login that it refuses. */
export const loginCodes: ReadonlyMap<string, string> = new Map<string, string>([
  [ErrorCode.AuthorizationViolation, 'authorization violation'],
  [ErrorCode.AuthenticationExpired, 'the credentials have expired'],
  [ErrorCode.AccountExpired, 'the account has expired'],
]);

/** Codes of Node for certificates that cannot be verified, and of OpenSSL for handshakes that a side ended. */
const certificateCodes = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_|ERR_TLS_|ERR_SSL_|ERR_OSSL_)/;

/** Whether a connect failed in a way that a further one would repeat. */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  const isOfClient = code === ErrorCode.Tls || code === ErrorCode.ServerOptionNotAvailable;
  return loginCodes.has(code) || isOfClient || certificateCodes.test(code);
}

/** The error of a connect that `isRefusal`. `way` is how the client tried to log in. */
export function refused(access: MadeAccess, way: string, error: unknown): ConfigError {
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

/** One line about a login that the server has refused with a code of `loginCodes`. */
export function refusalOf({ url, credentials, identity }: MadeAccess, way: string, code: string): string {
  const place = credentials === undefined || identity !== undefined ? '' : ` of ${credentials}`;
  return `nats at ${url} refused the login with ${way}${place}: ${loginCodes.get(code) ?? code}`;
}

/** The code of an error of the client, of Node or of OpenSSL. */
export function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code ?? '');
}

/** The reason alone, if the error is one of OpenSSL. */
export function messageOf(error: unknown): string {
  const own = error instanceof NatsError ? (error.chainedError ?? error) : error;
  const { reason, message } = own as { readonly reason?: string; readonly message?: string };
  return reason ?? message ?? String(own);
}
