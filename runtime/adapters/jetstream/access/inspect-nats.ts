import { ErrorCode, type NatsConnection, NatsError } from 'nats';
import { natsServers } from '../../../../lib/plan/nats-access';
import { managerOf } from './jetstream-api';
import { loginOf, type MadeAccess } from './nats-login';
import { greetingOf } from './server-greeting';

/** What a client sees of a nats. */
export interface NatsView {
  readonly version: string;
  readonly isTls: boolean;
  /** The server lets in clients without credentials; undefined if it does not say. */
  readonly isOpen: boolean | undefined;
  /** Account and user, as far as the server tells them. */
  readonly account?: string;
  readonly user?: string;
  /** Undefined if the account has no JetStream. */
  readonly jetStream?: { readonly storedBytes: number; readonly maxBytes: number };
}

const answerTimeoutMs = 3_000;

/** What the client of a connection sees. `access` says how it logged in; changes nothing. */
export async function inspectNats(connection: NatsConnection, access: MadeAccess): Promise<NatsView> {
  const { version = '', tls_required: isTls = false } = connection.info ?? {};
  const jetStream = await jetStreamUse(connection);
  return {
    version,
    isTls,
    isOpen: await isOpen(connection, access).catch(() => undefined),
    ...(await identityOf(connection)),
    ...(jetStream === undefined ? {} : { jetStream }),
  };
}

/**
 * Whether the server lets in clients without credentials. `access` says how the client of the connection logged in: a server
 * that only has users of its system account admits others too, and says that it requires a login. Throws when the server does
 * not say.
 */
export async function isOpen(connection: NatsConnection, access: MadeAccess): Promise<boolean> {
  const { authenticator, tls } = loginOf(access);
  if (authenticator === undefined && tls?.certFile === undefined) return true;
  // after the login, the server no longer says that it has a user for those without one
  const { greeting, socket } = await greetingOf(natsServers(connection.getServer())[0]);
  socket.destroy();
  const asksForCertificate = greeting.tls_required === true && greeting.tls_verify === true;
  return greeting.auth_required !== true && !asksForCertificate;
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
