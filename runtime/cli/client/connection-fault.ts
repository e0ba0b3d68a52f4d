/** Texts for the codes of Node whose messages do not say what happened. */
const faults: { readonly [code: string]: string } = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EPROTO: 'the server does not speak TLS; use http://',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS; use http://',
};

/** Codes of Node for certificates that no trusted CA has issued. */
const untrusted = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED|INVALID_CA)/;
const certificate = /^(CERT_|ERR_TLS_CERT_|HOSTNAME_)/;

/** Why there is no response, in a few words. */
export function connectionFault(error: unknown): string {
  const code = codeOf(error);
  const text = (error as Partial<Error> | undefined)?.message ?? String(error);
  if (untrusted.test(code)) return `its certificate is not trusted (${text}); name its CA with --ca or KFLOW_CA`;
  return faults[code] ?? (text || code);
}

/** Whether the server was reached, and its certificate is why nothing was sent: a retry cannot help. */
export function isCertificateFault(error: unknown): boolean {
  const code = codeOf(error);
  return untrusted.test(code) || certificate.test(code);
}

/** The code of an error, or of its cause. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return typeof code === 'string' ? code : codeOf(cause);
}
