import { KFlowError, StoreError } from '../../../lib/errors';

/** Why an object store did not do what it was asked. Only `unavailable` may pass by itself. */
export type ObjectStoreReason = 'bucket-missing' | 'object-missing' | 'access-denied' | 'unavailable' | 'refused';

/** What was asked of which store, as error messages name it. */
export interface ObjectStoreCall {
  readonly address: string;
  /** As in `get`, `list`. */
  readonly verb: string;
  readonly bucket: string;
  readonly key?: string;
}

/** A failure of an object store, of code `store-failed`; `reason` says whether trying again can help. */
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

/** The parts of an SDK error that are read: an HTTP answer has `$metadata`, a broken connection has `code`. */
interface ForeignError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const CONNECTION_CODES = new Set([
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
const BUSY_NAMES = new Set(['TimeoutError', 'RequestTimeout', 'SlowDown', 'InternalError', 'ServiceUnavailable']);
/** The last is versitygw's own, with status 404. */
const CREDENTIAL_NAMES = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'XAdminUserNotFound']);

/** True for an outage that may pass: only then does a retry make sense. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ObjectStoreError && error.reason === 'unavailable';
}

/** Wraps what the SDK threw, once: an error of ours passes as it is. */
export function wrapObjectStoreError(error: unknown, call: ObjectStoreCall): KFlowError {
  if (error instanceof KFlowError) return error;
  const foreign = error as ForeignError;
  const [reason, text] = explain(foreign, call);
  return new ObjectStoreError(reason, call, { text, error });
}

function explain(error: ForeignError, call: ObjectStoreCall): [ObjectStoreReason, string] {
  const status = error.$metadata?.httpStatusCode;
  const said = [error.name === 'Error' ? error.code : error.name, error.message].filter(Boolean).join(': ');
  // First by name: some services say with 404 that they do not know the user.
  if (CREDENTIAL_NAMES.has(error.name)) return ['access-denied', `the user or the password is wrong (${said})`];
  if (error.name === 'NoSuchBucket') return ['bucket-missing', 'the bucket does not exist'];
  if (error.name === 'NoSuchKey') return ['object-missing', 'there is no such object'];
  if (status === 404 && call.key !== undefined) return ['object-missing', 'there is no such object'];
  if (status === 404) return ['bucket-missing', 'the bucket does not exist'];
  if (status === 401 || status === 403) return ['access-denied', `the user may not do this, or is wrong (${said})`];
  if (CONNECTION_CODES.has(error.code ?? '')) return ['unavailable', `the store cannot be reached (${said})`];
  if (BUSY_NAMES.has(error.name) || status === 429 || (status !== undefined && status >= 500)) {
    return ['unavailable', `the store is not able to answer (${said})`];
  }
  return ['refused', said];
}
