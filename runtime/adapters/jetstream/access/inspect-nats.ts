import { connect, ErrorCode, type NatsConnection, NatsError } from 'nats';
import { type NatsAccess, natsServers } from '../../../../lib/plan/nats-access';
import { managerOf } from './jetstream-api';
import { readLogin } from './nats-login';

/** What a client sees of a nats. */
export interface NatsView {
  readonly version: string;
  readonly isTls: boolean;
  /** The server lets in clients without credentials. */
  readonly isOpen: boolean;
  /** Account and user, as far as the server tells them. */
  readonly account?: string;
  readonly user?: string;
  /** Undefined if the account has no JetStream. */
  readonly jetStream?: { readonly storedBytes: number; readonly maxBytes: number };
}

const answerTimeoutMs = 3_000;

/** What the client of a connection sees. `access` says how it logged in; changes nothing. */
export async function inspectNats(connection: NatsConnection, access: NatsAccess): Promise<NatsView> {
  const { version = '', tls_required: isTls = false } = connection.info ?? {};
  const jetStream = await jetStreamUse(connection);
  return {
    version,
    isTls,
    isOpen: await letsIn(access),
    ...(await identityOf(connection)),
    ...(jetStream === undefined ? {} : { jetStream }),
  };
}

/** Whether the server lets in a client without credentials. */
async function letsIn({ url, credentials }: NatsAccess): Promise<boolean> {
  const { caFile } = readLogin(credentials).tls ?? {};
  const tls = caFile === undefined ? {} : { tls: { caFile } };
  try {
    const stranger = await connect({
      servers: [...natsServers(url)],
      reconnect: false,
      timeout: answerTimeoutMs,
      ...tls,
    });
    await stranger.close();
    return true;
  } catch {
    // refused, which is what it should be
    return false;
  }
}

async function jetStreamUse(connection: NatsConnection): Promise<NatsView['jetStream']> {
  const manager = await managerOf(connection, { timeout: answerTimeoutMs });
  try {
    const { storage, limits } = await manager.getAccountInfo();
    return { storedBytes: storage, maxBytes: limits.max_storage };
  } catch (error) {
    const code = error instanceof NatsError ? error.code : '';
    if (code === ErrorCode.JetStreamNotEnabled || code === '503' || code === ErrorCode.NoResponders) return undefined;
    throw error;
  }
}

async function identityOf(connection: NatsConnection): Promise<Pick<NatsView, 'account' | 'user'>> {
  try {
    const answer = await connection.request('$SYS.REQ.USER.INFO', '', { timeout: answerTimeoutMs });
    const { account, user } = answer.json<{ data?: { account?: string; user?: string } }>().data ?? {};
    return { ...(account ? { account } : {}), ...(user ? { user } : {}) };
  } catch {
    // servers before 2.10, and users without the permission
    return {};
  }
}
