import type { NatsConnection } from 'nats';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { CredentialFiles } from '../../controller/ports/flow-logins';
import { connectNats, openOver } from '../jetstream/access/connect-nats';
import type { MadeAccess } from '../jetstream/access/nats-login';
import { AccountServer } from './account-server';
import { type AccountLimits, accountToken, credsFile, userToken } from './claims';
import type { AccountKeys } from './derived-keys';
import { controllerIdentity, tokenIdentity } from './identities';
import { type IssuedLogin, LoginLedger } from './login-ledger';
import { type AccountsProps, type NatsAccounts, withAdvice } from './nats-accounts';
import type { Nkey } from './nkey';

/** nats accepts every account, and refuses the logins to those that its operator has not signed. */
const advice = 'the key of the operator must be one that nats trusts, and the resolver of nats must be full';

/** The system account of a nats that `kflow nats-config --operator` set up is derived from the installation key. */
const systemAdvice =
  'the installation key must be the one with which nats was set up (kflow nats-config --operator, kflow up)';
const ownSystemAdvice = 'nats.accounts.systemCredentials must be a user of the system account of nats';

/** Clocks may differ by this much. */
const clockSkewSeconds = 60;

export interface OperatorAccountsProps extends AccountsProps {
  /** Signs accounts; default: the operator of an embedded nats, which is derived from the installation key. */
  readonly operator?: Nkey;
  /** How to log in to the system account; default: that of an embedded nats. */
  readonly system?: MadeAccess;
  readonly limits?: AccountLimits;
  /** How long the login of a flow is valid. It is renewed after half of the time. */
  readonly lifetimeSeconds: number;
  /** Copies of the ledger in a server cluster. */
  readonly replicas: number;
}

/**
 * The accounts of a nats-server in operator mode with a full resolver: created by signed tokens, without a restart.
 *
 * I1. A revocation is in the ledger before it is in an account, and an account is signed again until it has the newest ones,
 *     so no controller undoes the revocation of another.
 * I2. The login that follows a revocation is issued later than it, in full seconds: the server compares these.
 */
export class OperatorAccounts implements NatsAccounts {
  private constructor(
    private readonly props: OperatorAccountsProps,
    private readonly server: AccountServer,
    readonly connection: NatsConnection,
    private readonly ledger: LoginLedger,
  ) {}

  /** Throws ConfigError `login-failed` when nats does not know the system account, and StoreError for another operator. */
  static async open(props: OperatorAccountsProps): Promise<OperatorAccounts> {
    const { access, keys, listener, replicas } = props;
    const { system } = keys.ofServer();
    const systemAccess = props.system ?? { ...access, identity: tokenIdentity(system, system.controller) };
    const { trouble, absent } = listener;
    const connecting = connectNats(systemAccess, 'kflow accounts', { trouble, absent });
    const systemConnection = await withAdvice(connecting, props.system ? ownSystemAdvice : systemAdvice);
    return openOver(systemConnection, async () => {
      const server = new AccountServer(systemConnection);
      const own = keys.ofController();
      await server.put(own.name, signedAccount(props, own));
      const identity = controllerIdentity('operator', keys);
      const connecting = connectNats({ ...access, identity }, 'kflow controller', listener);
      const connection = await withAdvice(connecting, advice);
      const ledger = await openOver(connection, () => LoginLedger.open(connection, replicas));
      return new OperatorAccounts(props, server, connection, ledger);
    });
  }

  async connect(namespace: string): Promise<NatsConnection> {
    const { access, keys, listener } = this.props;
    await this.putAccount(namespace);
    const account = keys.ofNamespace(namespace);
    const identity = tokenIdentity(account, account.controller);
    return connectNats({ ...access, identity }, `kflow controller ${namespace}`, { trouble: listener.trouble });
  }

  async issue(flow: FlowKey): Promise<CredentialFiles> {
    const { keys } = this.props;
    const account = keys.ofNamespace(flow.namespace);
    const user = keys.ofFlow(flow);
    const { issuedAt, expiresAt } = await this.issued(flow, user);
    const claims = { name: flowName(flow), user: user.publicKey, account: account.account.publicKey };
    const token = userToken(account.signer, { ...claims, issuedAt, expiresAt });
    return { 'nats.creds': credsFile(user, token) };
  }

  async revoke(flow: FlowKey): Promise<void> {
    const issued = await this.ledger.issued(flow);
    if (issued === undefined) return;
    const { publicKey } = this.props.keys.ofFlow(flow);
    const now = nowSeconds();
    const expiresAt = issued.lastExpiresAt + clockSkewSeconds;
    await this.ledger.revoke(flow.namespace, publicKey, { at: now + clockSkewSeconds, expiresAt }, now); // I1
    await this.putAccount(flow.namespace);
    await this.ledger.removeIssued(flow);
  }

  /** Flows whose login expires before long. */
  due(): Promise<readonly FlowKey[]> {
    return this.ledger.issuedTo((login) => this.isDue(login));
  }

  async close(): Promise<void> {
    await this.connection.close();
    await this.server.close();
  }

  private async issued(flow: FlowKey, user: Nkey): Promise<IssuedLogin> {
    const before = await this.ledger.issued(flow);
    if (before !== undefined && !this.isDue(before)) return before;
    const { users } = await this.ledger.revocations(flow.namespace);
    const issuedAt = Math.max(nowSeconds(), (users[user.publicKey] ?? 0) + 1); // I2
    const expiresAt = issuedAt + this.props.lifetimeSeconds;
    const login = { issuedAt, expiresAt, lastExpiresAt: Math.max(expiresAt, before?.lastExpiresAt ?? 0) };
    await this.ledger.noteIssued(flow, login);
    return login;
  }

  /** Half of its time is over, or more of it is left than a login may have now. */
  private isDue({ issuedAt, expiresAt }: IssuedLogin): boolean {
    const lifetime = Math.min(expiresAt - issuedAt, this.props.lifetimeSeconds);
    return nowSeconds() > issuedAt + lifetime / 2;
  }

  private async putAccount(namespace: string): Promise<void> {
    const account = this.props.keys.ofNamespace(namespace);
    for (;;) {
      const { users, revision } = await this.ledger.revocations(namespace);
      await this.server.put(account.name, signedAccount(this.props, account, { revocations: users }));
      if ((await this.ledger.revocations(namespace)).revision === revision) return; // I1
    }
  }
}

function signedAccount(
  { keys, operator = keys.ofServer().operator, limits }: OperatorAccountsProps,
  account: AccountKeys,
  { revocations }: { readonly revocations?: { readonly [user: string]: number } } = {},
): string {
  const isController = account.account.publicKey === keys.ofController().account.publicKey;
  return accountToken(
    operator,
    {
      name: account.name,
      account: account.account.publicKey,
      signingKey: account.signer.publicKey,
      ...(limits === undefined || isController ? {} : { limits }),
      ...(revocations === undefined ? {} : { revocations }),
    },
    nowSeconds(),
  );
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
