import type { FlowKey } from '../../api-contract/flow-key';
import { Nkey, type NkeyRole } from './nkey';

/** What keys are derived from: the installation key. */
export interface KeySource {
  /** 32 bytes, the same at every call with the same purpose. */
  derive(purpose: string): Buffer;
}

/** The keys of an account and of whoever logs in to it. */
export interface AccountKeys {
  /** Shown by nats-server and in errors. */
  readonly name: string;
  readonly account: Nkey;
  /** Signs the users of the account. */
  readonly signer: Nkey;
  /** The controller's own user in the account. */
  readonly controller: Nkey;
}

/**
 * The keys of every nats account and user of an installation. Each is derived from the installation key, so that all replicas
 * of a controller have the same ones, and none is stored.
 *
 * I1. The purposes below must not change: they are the identities of accounts, and with them of the streams they hold.
 */
export class DerivedKeys {
  constructor(private readonly source: KeySource) {}

  /** The account of the documents, records and events of flows, to which only controllers log in. */
  ofController(): AccountKeys {
    return this.accountOf('kflow', 'controller');
  }

  /** The account of a Kubernetes namespace. */
  ofNamespace(namespace: string): AccountKeys {
    return this.accountOf(`kflow/${namespace}`, `namespace ${namespace}`);
  }

  /** The user that the replicas of a flow log in as, in the account of its namespace. */
  ofFlow({ namespace, jobId }: FlowKey): Nkey {
    return this.key('user', `flow ${namespace}/${jobId}`);
  }

  /** The user that all flows of a namespace log in as, where users are fixed by the configuration of nats-server. */
  ofFlowsIn(namespace: string): Nkey {
    return this.key('user', `flows of ${namespace}`);
  }

  /** The operator and the system account of an embedded nats-server. */
  ofServer(): { readonly operator: Nkey; readonly system: AccountKeys } {
    return { operator: this.key('operator', 'server'), system: this.accountOf('system', 'system') };
  }

  private accountOf(name: string, purpose: string): AccountKeys {
    return {
      name,
      account: this.key('account', purpose),
      signer: this.key('account', `signing ${purpose}`),
      controller: this.key('user', `controller in ${purpose}`),
    };
  }

  private key(role: NkeyRole, purpose: string): Nkey {
    return Nkey.of(role, this.source.derive(`nats ${role} ${purpose}`));
  }
}
