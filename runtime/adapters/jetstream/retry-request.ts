import { ErrorCode, NatsError } from 'nats';
import { KFlowError, StoreError } from '../../../lib/errors';
import { retry } from '../../async/retry';

/** How long a request is retried while the server is unavailable, unless the caller sets another limit. */
const defaultTimeoutMs = 120_000;
/** The same for reads on behalf of a user, who waits for the result. */
const readTimeoutMs = 10_000;
const delays = { firstMs: 100, maxMs: 400 };

/** Options of a JetStream manager or client: no request on creation, and a short timeout, since requests are retried. */
export const quickRequests = { checkAPI: false, timeout: 2_000 } as const;

/** Error codes of an unavailable server, as during a restart. */
const unavailableCodes: ReadonlySet<string> = new Set([
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.Disconnect,
  ErrorCode.ConnectionRefused,
  ErrorCode.JetStreamNotEnabled,
]);

/**
 * Retries an idempotent request while the server is unavailable. Throws StoreError `stream-failed` after the timeout, and
 * errors of the request unchanged.
 */
export function retryRequest<T>(request: () => Promise<T>, timeoutMs = defaultTimeoutMs): Promise<T> {
  return retry(request, {
    isRetryable: isUnavailable,
    delays,
    timeoutMs,
    exhausted: (error) => timedOut(error, timeoutMs),
  });
}

/** As `retryRequest`, but throws every foreign error as StoreError `stream-failed` that names the target, as in `stream x`. */
export async function callServer<T>(target: string, request: () => Promise<T>, timeoutMs?: number): Promise<T> {
  try {
    return await retryRequest(request, timeoutMs);
  } catch (cause) {
    if (cause instanceof KFlowError) throw cause;
    throw new StoreError('stream-failed', `${target}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      where: target,
    });
  }
}

/** As `callServer`, with the shorter timeout of a read. */
export function readServer<T>(target: string, request: () => Promise<T>): Promise<T> {
  return callServer(target, request, readTimeoutMs);
}

/** Undefined when the stream, consumer or message does not exist. */
export async function ignoreMissing<T>(response: Promise<T>): Promise<T | undefined> {
  try {
    return await response;
  } catch (error) {
    if (error instanceof NatsError && error.code === '404') return undefined;
    throw error;
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof NatsError && unavailableCodes.has(error.code);
}

function timedOut(cause: unknown, timeoutMs: number): StoreError {
  const code = cause instanceof NatsError ? ` (${cause.code})` : '';
  return new StoreError('stream-failed', `nats did not respond within ${timeoutMs / 1_000} s${code}`, { cause });
}
