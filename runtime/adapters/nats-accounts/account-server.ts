import type { NatsConnection } from 'nats';
import { StoreError } from '../../../lib/errors';
import { callServer } from '../jetstream/retry-request';

const requestTimeoutMs = 5_000;

interface ServerAnswer {
  readonly error?: { readonly description?: string };
  readonly data?: { readonly code?: number; readonly message?: string };
}

/** The accounts of a nats-server in operator mode, changed through a connection to its system account. */
export class AccountServer {
  constructor(private readonly connection: NatsConnection) {}

  /**
   * Creates or replaces an account by its signed token. Users that the token revokes are disconnected. Throws StoreError
   * `stream-failed` with the server's words when it refuses. It does not check who signed the token until somebody logs in.
   */
  async put(name: string, token: string): Promise<void> {
    const target = `account ${name}`;
    await callServer(target, async () => {
      const answer = await this.connection.request('$SYS.REQ.CLAIMS.UPDATE', token, { timeout: requestTimeoutMs });
      const { error, data } = answer.json<ServerAnswer>();
      if (error === undefined && data?.code === 200) return;
      const words = error?.description ?? data?.message ?? 'no reason given';
      throw new StoreError('stream-failed', `${target}: nats refused it: ${words}`, { where: target });
    });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}
