import { connect, type NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';

/** Waits this long for the server at the start; later it reconnects for as long as the process lives. */
const connectPatienceMs = 60_000;

/** Connects to `url` under a name that shows in the server's connection list. Throws StoreError 'stream-failed'. */
export async function connectNats(url: string, name: string): Promise<NatsConnection> {
  const deadline = Date.now() + connectPatienceMs;
  for (;;) {
    try {
      return await connect({
        servers: url,
        name,
        noAsyncTraces: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        pingInterval: 10_000,
        timeout: 5_000,
      });
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new StoreError('stream-failed', `no nats server answers at ${url}: ${String(cause)}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
