import { ErrorCode, NatsError } from 'nats';
import { StoreError } from '../../../lib/errors';
import { retry } from '../../async/retry';

/** How long a request is retried while the server is away, unless the caller sets another limit. */
const defaultTimeoutMs = 120_000;
const delays = { firstMs: 100, maxMs: 400 };

/** Options of a JetStream manager or client: no request at the start, and a short timeout, since lost requests are retried. */
export const quickRequests = { checkAPI: false, timeout: 2_000 } as const;

/** Codes of errors that mean that the server is away, as during a restart. */
const awayCodes: ReadonlySet<string> = new Set([
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.Disconnect,
  ErrorCode.ConnectionRefused,
  ErrorCode.JetStreamNotEnabled,
]);

/** Retries an idempotent request while the server is away. Throws StoreError `stream-failed` when the time is up. */
export function retryRequest<T>(request: () => Promise<T>, timeoutMs = defaultTimeoutMs): Promise<T> {
  return retry(request, { isRetryable: isAway, delays, timeoutMs, exhausted: (error) => timedOut(error, timeoutMs) });
}

function isAway(error: unknown): boolean {
  return error instanceof NatsError && awayCodes.has(error.code);
}

function timedOut(cause: unknown, timeoutMs: number): StoreError {
  const code = cause instanceof NatsError ? ` (${cause.code})` : '';
  return new StoreError('stream-failed', `nats did not respond within ${timeoutMs / 1_000} s${code}`, { cause });
}
