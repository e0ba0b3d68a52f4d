import { KFlowError, StoreError } from '../../../lib/errors';

/**
 * Why a call failed. `unavailable` is an outage, which may end; `faulty` is an answer that breaks the S3 protocol or an
 * object that arrived changed, which a proxy may cause once. A retry cannot help the others.
 */
export type ObjectStoreReason =
  | 'bucket-missing'
  | 'object-missing'
  | 'access-denied'
  | 'unavailable'
  | 'faulty'
  | 'refused';

const finalReasons: ReadonlySet<ObjectStoreReason> = new Set(['bucket-missing', 'object-missing', 'refused']);

/** A call of an object store, as error messages name it. */
export interface ObjectStoreCall {
  readonly address: string;
  /** Such as `get` or `list`. */
  readonly verb: string;
  readonly bucket: string;
  readonly key?: string;
}

/** A failed call of an object store, with code `store-failed`; `reason` decides whether a retry can succeed. */
export class ObjectStoreError extends StoreError {
  constructor(
    readonly reason: ObjectStoreReason,
    call: ObjectStoreCall,
    cause: { readonly text: string; readonly error?: unknown },
  ) {
    const where = [call.bucket, call.key].filter((part) => part !== undefined && part !== '').join('/');
    super('store-failed', `S3 at ${call.address}: ${call.verb} ${where}: ${cause.text}`, {
      where: `${call.address}/${where}`,
      cause: cause.error,
      ...(finalReasons.has(reason) && { isFinal: true }),
    });
  }
}

/** An answer that breaks the S3 protocol. The message completes "the server's answer is faulty: …". */
export class AnswerFault extends Error {}

/** The fields of an SDK error that are read: HTTP responses have `$metadata`, connection errors have `code`. */
export interface ForeignError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
  readonly $response?: { readonly headers?: { readonly [name: string]: string | undefined } };
  /** The region that the server expects. */
  readonly Region?: string;
}

const unreachableCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
const lostCodes = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);
const busyNames = new Set([
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'InternalError',
  'ServiceUnavailable',
  'ServerBusy',
]);
/** The last is specific to versitygw, which responds with status 404. */
const credentialNames = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'XAdminUserNotFound']);
const tokenNames = new Set(['ExpiredToken', 'ExpiredTokenException', 'InvalidToken', 'TokenRefreshRequired']);
const clockNames = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']);
const virtualHostNames = new Set(['SecondLevelDomainForbidden', 'PathStyleDomainForbidden']);
/** Codes of Node for a certificate that is not trusted. */
const certificateCode = /^(CERT_|ERR_TLS_CERT|SELF_SIGNED_CERT|DEPTH_ZERO_SELF|UNABLE_TO_(GET|VERIFY|DECODE))/;

/** True for a transient outage. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.reason === 'unavailable';
}

/** True for an answer that breaks the protocol. */
export function isFaulty(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.reason === 'faulty';
}

/** Wraps an error of the SDK; a KFlowError is returned unchanged. */
export function wrapObjectStoreError(error: unknown, call: ObjectStoreCall): KFlowError {
  if (error instanceof KFlowError) return error;
  const [reason, text] = explain(error as ForeignError, call);
  return new ObjectStoreError(reason, call, { text, error });
}

function explain(error: ForeignError, call: ObjectStoreCall): [ObjectStoreReason, string] {
  const status = error.$metadata?.httpStatusCode;
  // the SDK adds a second line, for developers
  const message = error.message.split('\n', 1)[0];
  const detail = [error.name === 'Error' ? error.code : error.name, message].filter(Boolean).join(': ');
  if (error instanceof AnswerFault) return ['faulty', `the server's answer is faulty: ${error.message}`];
  // Names first: some services respond with 404 when the user is unknown.
  if (credentialNames.has(error.name)) return ['access-denied', `invalid user or password (${detail})`];
  if (tokenNames.has(error.name)) return ['access-denied', `the session token is invalid or has expired (${detail})`];
  if (clockNames.has(error.name)) {
    return ['access-denied', `the clock of this machine differs from the server's, which sent no time (${detail})`];
  }
  if (error.name === 'CredentialsProviderError') {
    return ['access-denied', `the environment has no credentials (${detail})`];
  }
  if (virtualHostNames.has(error.name)) {
    return ['refused', `the server refuses path-style addresses; set "pathStyle: false" (${detail})`];
  }
  if (error.name === 'NoSuchBucket') return ['bucket-missing', missingBucket];
  if (error.name === 'NoSuchKey') return ['object-missing', 'object does not exist'];
  return ofStatus(status, call, detail) ?? ofConnection(error, detail) ?? ['refused', detail];
}

const missingBucket = 'bucket does not exist; create it, or correct its name';

function ofStatus(
  status: number | undefined,
  call: ObjectStoreCall,
  detail: string,
): [ObjectStoreReason, string] | undefined {
  if (status === undefined) return undefined;
  if (status === 404) {
    return call.key === undefined ? ['bucket-missing', missingBucket] : ['object-missing', 'object does not exist'];
  }
  if (status === 401 || status === 403) return ['access-denied', `access denied (${detail})`];
  if (status === 429 || status >= 500) return ['unavailable', `service unavailable (${detail})`];
  // the SDK could not read the answer to a call that succeeded
  if (status >= 200 && status < 300) return ['faulty', `the server's answer is faulty: ${detail}`];
  return undefined;
}

function ofConnection(error: ForeignError, detail: string): [ObjectStoreReason, string] | undefined {
  const code = error.code ?? '';
  if (busyNames.has(error.name)) return ['unavailable', `service unavailable (${detail})`];
  if (unreachableCodes.has(code)) return ['unavailable', `cannot connect (${detail})`];
  if (lostCodes.has(code)) return ['unavailable', `connection lost (${detail})`];
  if (certificateCode.test(code)) {
    return ['refused', `the certificate of the server is not trusted; name its CA with "ca" beside "addr" (${detail})`];
  }
  if (code === 'EPROTO') return ['refused', `the server does not speak TLS at this address (${detail})`];
  if (error.message.startsWith('Checksum mismatch')) return ['faulty', `the object arrived changed (${detail})`];
  return undefined;
}
