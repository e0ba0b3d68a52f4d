import type { NatsConnection } from 'nats';
import { ConfigError } from '../../../lib/errors';
import type { NatsAccess } from '../../../lib/plan/nats-access';
import type { FlowLogins } from '../../controller/ports/flow-logins';
import type { ConnectionListener } from '../jetstream/access/connect-nats';
import type { DerivedKeys } from './derived-keys';

/** A nats with an account for each namespace and one for the controller. */
export interface NatsAccounts extends FlowLogins {
  /** In the controller's own account. */
  readonly connection: NatsConnection;
  /**
   * A new connection in the account of a namespace, which the caller closes. The account is created if nats has none and
   * accounts can be created. Throws ConfigError `login-failed`, or StoreError `stream-failed` for a nats that does not respond.
   */
  connect(namespace: string): Promise<NatsConnection>;
  close(): Promise<void>;
}

/** Where nats is, and how a controller logs in. */
export interface AccountsProps {
  readonly access: NatsAccess;
  readonly keys: DerivedKeys;
  /** Told about the controller's own connection; about the others, only their troubles. */
  readonly listener: ConnectionListener;
}

/** The connection; the error of a refused login says in addition what must be there at nats. */
export async function withAdvice(connecting: Promise<NatsConnection>, advice: string): Promise<NatsConnection> {
  return connecting.catch((cause) => {
    if (!(cause instanceof ConfigError) || cause.code !== 'login-failed') throw cause;
    throw new ConfigError('login-failed', `${cause.message}; ${advice}`, { cause });
  });
}
