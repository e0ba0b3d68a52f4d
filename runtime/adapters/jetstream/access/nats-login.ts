import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats';
import { ConfigError } from '../../../../lib/errors';
import { type CredentialFile, credentialFiles, type NatsAccess } from '../../../../lib/plan/nats-access';

/** How a client logs in, as the files of a folder say. */
export interface NatsLogin {
  /** What is tried, without values: `user and password`, `token`, `nats.creds`, `nkey`, `client certificate`, `no credentials`. */
  readonly way: string;
  /** Signs or sends the credentials as they were when the folder was read. */
  readonly authenticator?: Authenticator;
  /** Names of files, which the client reads at each connect. */
  readonly tls?: TlsOptions;
}

/** A login that is made anew at each connect. `way` names it in messages, without values. */
export type Identity = Required<Pick<NatsLogin, 'way' | 'authenticator'>>;

/** A nats to which a process logs in with credentials that it makes itself, instead of those in files. */
export interface MadeAccess extends NatsAccess {
  readonly identity?: Identity;
  /** Folder whose certificates are used if that of the credentials has none; the logins in it are not. */
  readonly certificates?: string;
  /** Certificates of the CAs to trust, as PEM text or as the path of a file. */
  readonly ca?: string;
}

/** The login of an access, as it is now. Files may add TLS to an identity, but no other way to log in. Throws ConfigError. */
export function loginOf({ credentials, identity, certificates, ca }: MadeAccess): NatsLogin {
  const own = readLogin(credentials);
  const { tls = readLogin(certificates).tls ?? trustOnly(ca) } = own;
  const files = tls === undefined ? own : { ...own, tls };
  if (identity === undefined) return files;
  if (files.authenticator === undefined) return { ...files, ...identity };
  throw problem(
    credentials ?? '',
    `${files.way} besides ${identity.way}: the accounts of namespaces need no other login; keep ca.crt, tls.crt and tls.key only`,
  );
}

function trustOnly(ca: string | undefined): TlsOptions | undefined {
  if (ca === undefined) return undefined;
  return ca.includes('-----BEGIN CERTIFICATE-----') ? { ca } : { caFile: ca };
}

/** A login with a user and a password that are in no file. */
export function passwordIdentity(user: string, password: string): Identity {
  return { way: 'user and password', authenticator: usernamePasswordAuthenticator(user, password) };
}

/** Ways to log in, of which a folder may have one, with the files that each needs. */
const ways: readonly { readonly way: string; readonly files: readonly CredentialFile[] }[] = [
  { way: 'user and password', files: ['user', 'password'] },
  { way: 'token', files: ['token'] },
  { way: 'nats.creds', files: ['nats.creds'] },
  { way: 'nkey', files: ['nkey'] },
];

/**
 * Reads a folder of credentials, as it is now. Throws ConfigError that names the files if one is missing, empty or
 * unreadable, or if they contradict each other. Messages never contain what is in a file.
 */
export function readLogin(folder: string | undefined): NatsLogin {
  if (folder === undefined) return { way: 'no credentials' };
  const files = filesOf(folder);
  const given = ways.filter(({ files: needed }) => needed.some((file) => files.has(file)));
  if (given.length > 1) {
    const names = given.flatMap(({ files: needed }) => needed.filter((file) => files.has(file)));
    throw problem(folder, `${names.join(', ')} are different ways to log in; keep one of them`);
  }
  assertTogether(folder, files, ['tls.crt', 'tls.key']);
  const tls = tlsOf(folder, files);
  const [one] = given;
  if (one === undefined) return { way: files.has('tls.crt') ? 'client certificate' : 'no credentials', ...tls };
  assertTogether(folder, files, one.files);
  const way = files.has('tls.crt') ? `${one.way} and a client certificate` : one.way;
  return { way, authenticator: authenticatorOf(folder, one.files), ...tls };
}

/** The credential files in the folder. */
function filesOf(folder: string): ReadonlySet<string> {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw problem(folder, `cannot be read (${(error as NodeJS.ErrnoException).code}); want a folder`);
  }
  const known: readonly string[] = credentialFiles;
  const found = names.filter((name) => known.includes(name));
  if (found.length > 0) return new Set(found);
  const others = names.filter((name) => !name.startsWith('.'));
  const got = others.length === 0 ? 'no file' : others.join(', ');
  throw problem(folder, `has no file of credentials; want ${credentialFiles.join(', ')}, got ${got}`);
}

function assertTogether(folder: string, files: ReadonlySet<string>, pair: readonly CredentialFile[]): void {
  const [missing] = pair.filter((file) => !files.has(file));
  if (missing === undefined || !pair.some((file) => files.has(file))) return;
  const others = pair.filter((file) => file !== missing).join(', ');
  throw problem(folder, `has ${others} without ${missing}; add ${missing}, or remove ${others}`);
}

function tlsOf(folder: string, files: ReadonlySet<string>): Pick<NatsLogin, 'tls'> {
  const names = { caFile: 'ca.crt', certFile: 'tls.crt', keyFile: 'tls.key' } as const;
  const given = Object.entries(names).filter(([, name]) => files.has(name));
  if (given.length === 0) return {};
  return { tls: Object.fromEntries(given.map(([option, name]) => [option, path.join(folder, name)])) };
}

function authenticatorOf(folder: string, [file, second]: readonly CredentialFile[]): Authenticator {
  const read = (name: CredentialFile) => contentOf(folder, name);
  const bytes = (text: string) => new TextEncoder().encode(text);
  switch (file) {
    case 'token':
      return tokenAuthenticator(read('token'));
    case 'nats.creds':
      return proven(folder, file, credsAuthenticator(bytes(`${read(file)}\n`)));
    case 'nkey':
      return proven(folder, file, nkeyAuthenticator(bytes(read(file).trim())));
    default:
      return usernamePasswordAuthenticator(read('user'), second === undefined ? undefined : read(second));
  }
}

/** The content without one newline at its end: editors write one that is no part of the password. */
function contentOf(folder: string, name: CredentialFile): string {
  let text: string;
  try {
    text = readFileSync(path.join(folder, name), 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw problem(folder, `${name} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (text.trim() === '') throw problem(folder, `${name} is empty`);
  return text;
}

/** Throws ConfigError if the authenticator cannot sign with the content of its file. */
function proven(folder: string, name: CredentialFile, authenticator: Authenticator): Authenticator {
  try {
    authenticator('nonce');
    return authenticator;
  } catch {
    const want = name === 'nkey' ? 'the seed of a user nkey, which starts with SU' : 'a credentials file of nsc or nk';
    throw problem(folder, `${name} cannot be used; want ${want}`);
  }
}

function problem(folder: string, text: string): ConfigError {
  return new ConfigError('config-invalid', `credentials of nats in ${folder}: ${text}`, { where: folder });
}
