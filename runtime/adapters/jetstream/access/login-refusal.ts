import path from 'node:path';
import { ErrorCode, NatsError } from 'nats';
import { ConfigError } from '../../../../lib/errors';
import type { MadeAccess, NatsLogin } from './nats-login';

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

/** The error of a connect that `isRefusal`. `login` is what the client tried. */
export function loginError(access: MadeAccess, login: NatsLogin, error: unknown): ConfigError {
  const code = codeOf(error);
  const message = loginCodes.has(code)
    ? refusalText(access, login.way, code)
    : `cannot log in at nats at ${access.url}: ${tlsFault(login, code, error)}`;
  return new ConfigError('login-failed', message, { cause: error });
}

function tlsFault({ way, tls }: NatsLogin, code: string, error: unknown): string {
  if (code === ErrorCode.ServerOptionNotAvailable) {
    const files =
      tls === undefined
        ? ''
        : `remove ${Object.values(tls)
            .map((file) => path.basename(file))
            .join(', ')}, and `;
    return `the server has no TLS; ${files}use nats:// in the URL`;
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
export function refusalText({ url, credentials, identity }: MadeAccess, way: string, code: string): string {
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
