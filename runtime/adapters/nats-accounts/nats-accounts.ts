import type { NatsConnection } from 'nats';
import type { NatsAccess } from '../../../lib/plan/nats-access';
import type { FlowLogins } from '../../controller/ports/flow-logins';
import type { OnConnectionTrouble } from '../jetstream/access/connect-nats';
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

/** Where nats is, and who is told what keeps a connection from coming back. */
export interface AccountsProps {
  readonly access: NatsAccess;
  readonly keys: DerivedKeys;
  readonly onTrouble: OnConnectionTrouble;
}
