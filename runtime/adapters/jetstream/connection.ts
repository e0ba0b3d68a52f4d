import { connect, type NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';
import { retry } from '../../async/retry';

/** Waits this long for the server at the start; later it reconnects for as long as the process lives. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };

/** Connects to `url` under a name that shows in the server's connection list. Throws StoreError 'stream-failed'. */
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
      new StoreError('stream-failed', `no nats server answers at ${url}: ${String(cause)}`, { cause }),
  });
}
