import { KFlowError, StoreError } from '../../../lib/errors';

/** Why a call failed. Only `unavailable` is transient. */
export type ObjectStoreReason = 'bucket-missing' | 'object-missing' | 'access-denied' | 'unavailable' | 'refused';

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
    });
  }
}

/** The fields of an SDK error that are read: HTTP responses have `$metadata`, connection errors have `code`. */
interface ForeignError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const busyNames = new Set(['TimeoutError', 'RequestTimeout', 'SlowDown', 'InternalError', 'ServiceUnavailable']);
/** The last is specific to versitygw, which responds with status 404. */
const credentialNames = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'XAdminUserNotFound']);

/** True for a transient outage, the only case for a retry. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.reason === 'unavailable';
}

/** Wraps an error of the SDK; a KFlowError is returned unchanged. */
export function wrapObjectStoreError(error: unknown, call: ObjectStoreCall): KFlowError {
  if (error instanceof KFlowError) return error;
  const foreign = error as ForeignError;
  const [reason, text] = explain(foreign, call);
  return new ObjectStoreError(reason, call, { text, error });
}

function explain(error: ForeignError, call: ObjectStoreCall): [ObjectStoreReason, string] {
  const status = error.$metadata?.httpStatusCode;
  const detail = [error.name === 'Error' ? error.code : error.name, error.message].filter(Boolean).join(': ');
  // Names first: some services respond with 404 when the user is unknown.
  if (credentialNames.has(error.name)) return ['access-denied', `invalid user or password (${detail})`];
  if (error.name === 'NoSuchBucket') return ['bucket-missing', 'bucket does not exist'];
  if (error.name === 'NoSuchKey') return ['object-missing', 'object does not exist'];
  if (status === 404 && call.key !== undefined) return ['object-missing', 'object does not exist'];
  if (status === 404) return ['bucket-missing', 'bucket does not exist'];
  if (status === 401 || status === 403) return ['access-denied', `access denied (${detail})`];
  if (connectionCodes.has(error.code ?? '')) return ['unavailable', `cannot connect (${detail})`];
  if (busyNames.has(error.name) || status === 429 || (status !== undefined && status >= 500)) {
    return ['unavailable', `service unavailable (${detail})`];
  }
  return ['refused', detail];
}
