import { connect, type NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';
import { retry } from '../../async/retry';

/** Timeout of the first connection. Reconnects are not limited. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };

/** Connects to `url`. The server lists the connection under `name`. Throws StoreError `stream-failed`. */
export async function connectNats(url: string, name: string): Promise<NatsConnection> {
  const options = {
    servers: url,
    name,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 10_000,
    timeout: 5_000,
  };
  return retry(() => connect(options), {
    isRetryable: () => true,
    delays,
    timeoutMs: connectTimeoutMs,
    exhausted: (cause) =>
      new StoreError('stream-failed', `cannot connect to nats at ${url}: ${String(cause)}`, { cause }),
  });
}
