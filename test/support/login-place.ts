import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { accountToken, credsFile, operatorToken, userToken } from '../../runtime/adapters/nats-accounts/claims';
import { Nkey, type NkeyRole } from '../../runtime/adapters/nats-accounts/nkey';
import { type NatsServer, startNatsServer } from '../../runtime/servers/nats-server';
import { closeAfterFile } from './close-after-file';
import { expireCertificate, type OwnCertificate, ownCa } from './own-ca';
import { serverFiles } from './server-files';

type Files = { readonly [name: string]: string };

/** One way to log in: the configuration of a server that asks for it, and the files that pass it and that do not. */
export interface LoginWay {
  readonly name: string;
  readonly config: readonly string[];
  readonly right: Files;
  readonly wrong: Files;
  /** How the wrong login is called in messages. */
  readonly way: string;
  readonly scheme: 'nats' | 'tls';
}

/** A secret that no output may contain. */
export const secret = 'hunter2-is-a-secret';

/** Files as NACK needs them, which takes users, passwords and tokens with a line break at their end as they are. */
export function withoutLineBreaks(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.trimEnd()]));
}

/** Nats-servers that ask for a login, and folders of credentials. */
export class LoginPlace {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-login-'));
  readonly close = closeAfterFile('nats-servers with logins', async () => {
    await Promise.all(this.servers.map((server) => server.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  });
  private readonly servers: NatsServer[] = [];
  private folders = 0;

  /** The servers listen at `host`. */
  constructor(private readonly host = '127.0.0.1') {}

  async start(name: string, config: readonly string[]): Promise<NatsServer> {
    const server = await startNatsServer({ ...serverFiles(this.folder, name), host: this.host, config });
    this.servers.push(server);
    return server;
  }

  dataOf(name: string): string {
    return path.join(this.folder, name);
  }

  credentials(files: Files): string {
    const folder = path.join(this.folder, `credentials-${this.folders++}`);
    mkdirSync(folder);
    this.write(folder, files);
    return folder;
  }

  write(folder: string, files: Files): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  }

  ca(name: string): OwnCertificate {
    return ownCa(path.join(this.folder, name), `IP:${this.host},DNS:localhost`);
  }

  /** Lets the server's certificate of `ca` expire. */
  expire(name: string): void {
    expireCertificate(path.join(this.folder, name));
  }

  tls(name: string, more = ''): string {
    const at = path.join(this.folder, name);
    return `tls { cert_file: "${at}/server.crt", key_file: "${at}/server.key", ca_file: "${at}/ca.crt" ${more} }`;
  }

  ways(): readonly LoginWay[] {
    const ca = this.ca('ca');
    const other = this.ca('other-ca');
    const trust = { 'ca.crt': ca.ca };
    const user = `authorization { users: [{ user: me, password: "${secret}" }] }`;
    const mine = keyOf('user', 'mine');
    const theirs = keyOf('user', 'theirs');
    const plain = { scheme: 'nats' } as const;
    const secure = { scheme: 'tls' } as const;
    return [
      {
        ...{ ...plain, name: 'user and password', way: 'user and password', config: [user] },
        right: { user: 'me\n', password: `${secret}\n` },
        wrong: { user: 'me', password: `${secret}-not` },
      },
      {
        ...{ ...plain, name: 'token', way: 'token', config: [`authorization { token: "${secret}" }`] },
        right: { token: secret },
        wrong: { token: `${secret}-not` },
      },
      {
        ...{ ...plain, name: 'nkey', way: 'nkey' },
        config: [`authorization { users: [{ nkey: ${mine.publicKey} }] }`],
        right: { nkey: mine.seed },
        wrong: { nkey: theirs.seed },
      },
      { ...plain, name: 'creds', way: 'nats.creds', ...operatorMode() },
      {
        ...{ ...secure, name: 'user and password over TLS', way: 'user and password', config: [this.tls('ca'), user] },
        right: { ...trust, user: 'me', password: secret },
        wrong: { ...trust, user: 'me', password: `${secret}-not` },
      },
      {
        ...{ ...secure, name: 'client certificate', way: 'client certificate' },
        config: [this.tls('ca', ', verify_and_map: true'), 'authorization { users: [{ user: "CN=server" }] }'],
        right: { ...trust, 'tls.crt': ca.cert, 'tls.key': ca.key },
        wrong: { ...trust, 'tls.crt': other.cert, 'tls.key': other.key },
      },
    ];
  }
}

/** The same name is the same key. */
function keyOf(role: NkeyRole, name: string): Nkey {
  return Nkey.of(role, createHash('sha256').update(`${role} ${name}`).digest());
}

/** A server that admits the users of one account, and the credentials of one that expire at `expiresAt`. */
export function operatorMode(expiresAt?: number): Pick<LoginWay, 'config' | 'right' | 'wrong'> {
  const [operator, signer, user] = [keyOf('operator', 'o'), keyOf('account', 'signer'), keyOf('user', 'u')];
  const ids = { system: keyOf('account', 'system').publicKey, own: keyOf('account', 'own').publicKey };
  const accounts = [
    accountToken(operator, { name: 'SYS', account: ids.system, signingKey: signer.publicKey, isSystem: true }, 0),
    accountToken(operator, { name: 'own', account: ids.own, signingKey: signer.publicKey }, 0),
  ];
  const creds = (expires?: number) => {
    const dates = expires === undefined ? {} : { expiresAt: expires };
    const claims = { name: 'u', user: user.publicKey, account: ids.own, issuedAt: 0, ...dates };
    return { 'nats.creds': credsFile(user, userToken(signer, claims)) };
  };
  return {
    config: [
      `operator: ${operatorToken(operator, { name: 'test', system: ids.system })}`,
      `system_account: ${ids.system}`,
      'resolver: MEMORY',
      `resolver_preload: { ${ids.system}: ${accounts[0]}, ${ids.own}: ${accounts[1]} }`,
    ],
    right: creds(expiresAt),
    wrong: creds(1),
  };
}
