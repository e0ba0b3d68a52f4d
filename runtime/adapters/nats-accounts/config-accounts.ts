import type { NatsConnection } from 'nats';
import type { FlowKey } from '../../api-contract/flow-key';
import type { CredentialFiles } from '../../controller/ports/flow-logins';
import { connectNats } from '../jetstream/access/connect-nats';
import { controllerIdentity, nkeyIdentity } from './identities';
import { type AccountsProps, type NatsAccounts, withAdvice } from './nats-accounts';

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
    const { access, keys, listener } = props;
    const own = { ...access, identity: controllerIdentity('config', keys) };
    const connecting = connectNats(own, 'kflow controller', listener);
    return new ConfigAccounts(props, await withAdvice(connecting, adviceFor('the controller')));
  }

  connect(namespace: string): Promise<NatsConnection> {
    const { access, keys, listener } = this.props;
    const account = keys.ofNamespace(namespace);
    const connecting = connectNats(
      { ...access, identity: nkeyIdentity(account, account.controller) },
      `kflow controller ${namespace}`,
      { trouble: listener.trouble },
    );
    return withAdvice(connecting, adviceFor(`the namespace ${namespace}`));
  }

  async issue({ namespace }: FlowKey): Promise<CredentialFiles> {
    return { nkey: `${this.props.keys.ofFlowsIn(namespace).seed}\n` };
  }

  /** The configuration of nats fixes who gets in. */
  async revoke(): Promise<void> {}

  async close(): Promise<void> {
    await this.connection.close();
  }
}

function adviceFor(whose: string): string {
  return `nats has no account for ${whose}: let nats-server include what \`kflow nats-config\` prints for it, and reload nats-server`;
}
