import { ErrorCode, NatsError } from 'nats';
import { StoreError } from '../../../lib/errors';

/** How long a server may be away before a request to it counts as failed. */
const patienceMs = 120_000;
const passing: ReadonlySet<string> = new Set([
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.Disconnect,
  ErrorCode.ConnectionRefused,
  ErrorCode.JetStreamNotEnabled,
]);

/** Repeats a request while the server does not answer, as during a restart. The request has to bear being made twice. */
export async function patiently<T>(request: () => Promise<T>): Promise<T> {
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
