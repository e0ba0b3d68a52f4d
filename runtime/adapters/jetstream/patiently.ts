import { ErrorCode, NatsError } from 'nats';
import { StoreError } from '../../../lib/errors';

/** How long a server may be away before a request to it counts as failed, unless the caller says another. */
const defaultPatienceMs = 120_000;
/** Options of a JetStream manager or client: nothing is asked at its start, and a request that got lost with its server is made again soon. */
export const quickRequests = { checkAPI: false, timeout: 2_000 } as const;
const passing: ReadonlySet<string> = new Set([
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.Disconnect,
  ErrorCode.ConnectionRefused,
  ErrorCode.JetStreamNotEnabled,
]);

/** Repeats a request while the server does not answer, as during a restart. The request has to bear being made twice. */
export async function patiently<T>(request: () => Promise<T>, patienceMs = defaultPatienceMs): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof NatsError && passing.has(error.code))) throw error;
      if (Date.now() > deadline) {
        throw new StoreError('stream-failed', `nats has not answered for ${patienceMs / 1_000} s (${error.code})`, {
          cause: error,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
