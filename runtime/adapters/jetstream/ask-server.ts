import { KFlowError, StoreError } from '../../../lib/errors';
import { retryRequest } from './retry-request';

/** How long somebody who looks waits for a server that is away, as during a restart. */
const readTimeoutMs = 10_000;

/** Makes a request that may be made twice, with retries while the server is away. Throws StoreError `stream-failed` that begins with `what`. */
export async function askServer<T>(what: string, request: () => Promise<T>, timeoutMs?: number): Promise<T> {
  try {
    return await retryRequest(request, timeoutMs);
  } catch (cause) {
    if (cause instanceof KFlowError) throw cause;
    throw new StoreError('stream-failed', `${what}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      where: what,
    });
  }
}

/** As `askServer`, for what only reads: it does not wait long. */
export function readServer<T>(what: string, request: () => Promise<T>): Promise<T> {
  return askServer(what, request, readTimeoutMs);
}
