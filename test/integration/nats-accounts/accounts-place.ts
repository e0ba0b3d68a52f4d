import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConnectionOptions, connect, credsAuthenticator, type NatsConnection, nkeyAuthenticator } from 'nats';
import { AccountServer } from '../../../runtime/adapters/nats-accounts/account-server';
import { type AccountLimits, accountToken, credsFile, userToken } from '../../../runtime/adapters/nats-accounts/claims';
import { type AccountKeys, DerivedKeys } from '../../../runtime/adapters/nats-accounts/derived-keys';
import type { Nkey } from '../../../runtime/adapters/nats-accounts/nkey';
import { accountsConfig, operatorConfig } from '../../../runtime/adapters/nats-accounts/server-config';
import { type FlowKey, flowName } from '../../../runtime/api-contract/flow-key';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { closeAfterFile } from '../../support/close-after-file';
import { serverFiles } from '../../support/server-files';

/** How a nats-server keeps tenants apart: not at all, by signed tokens, or by its configuration. */
export type AccountsKind = 'open' | 'operator' | 'config';

export interface AccountsPlaceProps {
  readonly kind: AccountsKind;
  readonly namespaces: readonly string[];
  readonly limits?: AccountLimits;
  /** Further lines of the configuration. */
  readonly config?: readonly string[];
  /** Settings of JetStream in place of the usual ones, as nats-server reads them. */
  readonly jetstream?: string;
}

/** A nats-server with an account for each namespace and one for the controller. */
export class AccountsPlace {
  readonly close = closeAfterFile('a nats-server with accounts', async () => {
    for (const connection of this.connections) await connection.close();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  });
  readonly keys: DerivedKeys;
  private readonly connections: NatsConnection[] = [];
  private readonly shared = new Map<string, Promise<NatsConnection>>();

  private constructor(
    private readonly folder: string,
    private readonly server: NatsServer,
    private readonly props: AccountsPlaceProps,
  ) {
    this.keys = keysOf('a test');
  }

  static async start(props: AccountsPlaceProps): Promise<AccountsPlace> {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-accounts-'));
    const keys = keysOf('a test');
    const files = serverFiles(folder, 'nats');
    const { config: given = [], jetstream } = props;
    const store = `store_dir: ${JSON.stringify(files.dataDir)}`;
    const lines = jetstream === undefined ? given : [...given, `jetstream { ${store}, ${jetstream} }`];
    const config = [...lines, ...configOf(props, keys, folder)];
    const place = new AccountsPlace(folder, await startNatsServer({ ...files, config }), props);
    if (props.kind === 'operator') await place.putAccounts();
    return place;
  }

  get url(): string {
    return this.server.url;
  }

  /** What the server has logged. */
  log(): string {
    return readFileSync(serverFiles(this.folder, 'nats').logFile, 'utf8');
  }

  /** The three below connect once for all tests of a file. */
  controller(): Promise<NatsConnection> {
    const account = this.keys.ofController();
    return this.once('controller', () => this.loginOf(account, account.controller));
  }

  /** As the controller logs in to the account of a namespace. */
  namespace(namespace: string): Promise<NatsConnection> {
    const account = this.keys.ofNamespace(namespace);
    return this.once(namespace, () => this.loginOf(account, account.controller));
  }

  /** As the replicas of a flow log in. */
  flow(flow: FlowKey): Promise<NatsConnection> {
    const user = this.props.kind === 'config' ? this.keys.ofFlowsIn(flow.namespace) : this.keys.ofFlow(flow);
    return this.once(flowName(flow), () => this.loginOf(this.keys.ofNamespace(flow.namespace), user));
  }

  system(): Promise<NatsConnection> {
    const { system } = this.keys.ofServer();
    return this.connect(this.loginOf(system, system.controller));
  }

  /** Connects once; rejects when the login is refused. */
  async connect(login: ConnectionOptions): Promise<NatsConnection> {
    const connection = await connect({ servers: this.url, reconnect: false, ...login });
    this.connections.push(connection);
    return connection;
  }

  /** A login with a token that was issued and expires at these times, in seconds since 1970. */
  loginOf(account: AccountKeys, user: Nkey, { issuedAt = nowSeconds(), expiresAt = 0 } = {}): ConnectionOptions {
    if (this.props.kind === 'open') return {};
    if (this.props.kind === 'config') return { authenticator: nkeyAuthenticator(Buffer.from(user.seed)) };
    const claims = { name: 'test', user: user.publicKey, account: account.account.publicKey, issuedAt };
    const token = userToken(account.signer, { ...claims, ...(expiresAt === 0 ? {} : { expiresAt }) });
    return { authenticator: credsAuthenticator(Buffer.from(credsFile(user, token))) };
  }

  /** Creates or replaces the account of a namespace. */
  async putAccount(account: AccountKeys, revocations: { readonly [user: string]: number } = {}): Promise<void> {
    const system = new AccountServer(await this.system());
    const { limits } = this.props;
    const claims = { name: account.name, account: account.account.publicKey, signingKey: account.signer.publicKey };
    const token = accountToken(
      this.keys.ofServer().operator,
      { ...claims, revocations, ...(limits === undefined ? {} : { limits }) },
      nowSeconds(),
    );
    await system.put(account.name, token);
  }

  private once(name: string, login: () => ConnectionOptions): Promise<NatsConnection> {
    const connection = this.shared.get(name) ?? this.connect(login());
    this.shared.set(name, connection);
    return connection;
  }

  private async putAccounts(): Promise<void> {
    const all = [this.keys.ofController(), ...this.props.namespaces.map((name) => this.keys.ofNamespace(name))];
    for (const account of all) await this.putAccount(account);
  }
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** Keys as of an installation key; another name is another installation. */
export function keysOf(name: string): DerivedKeys {
  return new DerivedKeys({ derive: (purpose) => createHash('sha256').update(`${name} ${purpose}`).digest() });
}

function configOf({ kind, namespaces, limits }: AccountsPlaceProps, keys: DerivedKeys, folder: string): string[] {
  if (kind === 'open') return [];
  if (kind === 'operator') return [...operatorConfig(keys, path.join(folder, 'accounts'))];
  const file = path.join(folder, 'accounts.conf');
  writeFileSync(file, accountsConfig(keys, namespaces, limits));
  return [`include ${JSON.stringify(path.relative(path.join(folder, 'nats'), file))}`];
}
