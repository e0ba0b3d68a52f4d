import type { NatsConnection } from 'nats';
import { ConfigError } from '../../../lib/errors';
import type { FlowKey } from '../../api-contract/flow-key';
import type { CredentialFiles } from '../../controller/ports/flow-logins';
import { connectNats } from '../jetstream/access/connect-nats';
import { controllerIdentity, nkeyIdentity } from './identities';
import type { AccountsProps, NatsAccounts } from './nats-accounts';

/**
 * The accounts of a configuration that `kflow nats-config` printed and nats-server includes. A new namespace needs a new
 * configuration. The flows of a namespace share a login, which does not expire.
 */
export class ConfigAccounts implements NatsAccounts {
  private constructor(
    private readonly props: AccountsProps,
    readonly connection: NatsConnection,
  ) {}

  static async open(props: AccountsProps): Promise<ConfigAccounts> {
    const { access, keys, onTrouble } = props;
    return new ConfigAccounts(
      props,
      await explained(
        'the controller',
        connectNats({ ...access, identity: controllerIdentity('config', keys) }, 'kflow controller', onTrouble),
      ),
    );
  }

  connect(namespace: string): Promise<NatsConnection> {
    const { access, keys, onTrouble } = this.props;
    const account = keys.ofNamespace(namespace);
    const connecting = connectNats(
      { ...access, identity: nkeyIdentity(account, account.controller) },
      `kflow controller ${namespace}`,
      onTrouble,
    );
    return explained(`the namespace ${namespace}`, connecting);
  }

  async issue({ namespace }: FlowKey): Promise<CredentialFiles> {
    return { nkey: `${this.props.keys.ofFlowsIn(namespace).seed}\n` };
  }

  /** The configuration of nats fixes who gets in. */
  async revoke(): Promise<void> {}

  async due(): Promise<readonly FlowKey[]> {
    return [];
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

async function explained(whose: string, connecting: Promise<NatsConnection>): Promise<NatsConnection> {
  try {
    return await connecting;
  } catch (cause) {
    if (!(cause instanceof ConfigError) || cause.code !== 'login-failed') throw cause;
    const remedy = 'let nats-server include what `kflow nats-config` prints for it, and reload nats-server';
    throw new ConfigError('login-failed', `${cause.message}; nats has no account for ${whose}: ${remedy}`, { cause });
  }
}
