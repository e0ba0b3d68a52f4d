import { KFlowError, StoreError } from '../../../lib/errors';
import { patiently } from './patiently';

/** How long somebody who looks waits for a server that is away, as during a restart. */
const readPatienceMs = 10_000;

/** Makes a request that may be made twice, patiently. Throws StoreError `stream-failed` that begins with `what`. */
export async function askServer<T>(what: string, request: () => Promise<T>, patienceMs?: number): Promise<T> {
  try {
    return await patiently(request, patienceMs);
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
  return askServer(what, request, readPatienceMs);
}
