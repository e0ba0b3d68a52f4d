import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors';
import type { S3Access } from '../topology/document/topology';
import type { PlannedSecret, SecretVariable } from './flow-plan';
import { accountSecret } from './names';

/** Credentials for an address. User and password are absent if the user creates the Secret in the cluster. */
export interface Account extends S3Access {
  readonly addr: string;
  readonly user?: string;
  readonly password?: string;
  /** Name of an existing Secret, instead of user and password. */
  readonly secret?: string;
}

/** Collects the secrets of a flow, one per account. */
export class FlowSecrets {
  private readonly secrets = new Map<string, PlannedSecret>();

  /** `areInCluster`: the user creates the Secrets by name, so names must not depend on the order of the document. */
  constructor(
    private readonly flow: { readonly jobId: string },
    private readonly areInCluster: boolean,
  ) {}

  /** Adds an account's secret and returns a variable for each of its keys: `<prefix>_USER`, `<prefix>_PASSWORD`, … */
  accountVariables(account: Account, prefix: string): readonly SecretVariable[] {
    const secret = this.accountSecret(account);
    return secretKeysOf(account).map((key) => ({ name: `${prefix}_${variableOfKey[key]}`, secret, key }));
  }

  /** Adds the secret with an account's credentials, and returns its name. */
  accountSecret(account: Account): string {
    const { addr, secret } = account;
    const entries = Object.fromEntries(secretKeysOf(account).map((key) => [key, valueOfKey(account, key)]));
    if (secret !== undefined) return this.add({ name: secret, entries, isGiven: true });
    const base = accountSecret(this.flow, addr);
    for (let number = 1; ; number++) {
      const planned: PlannedSecret = { name: number === 1 ? base : `${base}-${number}`, entries, addr };
      const there = this.secrets.get(planned.name);
      if (there === undefined || isSameAccount(there, planned)) return this.add(planned);
      if (this.areInCluster) throw ambiguous(addr, base);
    }
  }

  /** A named Secret may be used with other keys in other places. */
  add(secret: PlannedSecret): string {
    const there = this.secrets.get(secret.name);
    if (there === undefined) this.secrets.set(secret.name, secret);
    else if (there.isGiven === true && secret.isGiven === true) {
      this.secrets.set(secret.name, { ...there, entries: { ...secret.entries, ...there.entries } });
    }
    return secret.name;
  }

  get all(): readonly PlannedSecret[] {
    return [...this.secrets.values()];
  }
}

/** An account without credentials uses those of another account at its address. */
function isSameAccount(one: PlannedSecret, other: PlannedSecret): boolean {
  const isOpen = [one, other].some(({ entries }) => Object.values(entries).every((value) => value === undefined));
  return one.addr === other.addr && (isOpen || isDeepStrictEqual(one.entries, other.entries));
}

function ambiguous(addr: string, name: string): ConfigError {
  const message = `${addr}: the secret ${name} already belongs to another account or to a server with a similar name; name a Secret for each ("secret: NAME" instead of user and password)`;
  return new ConfigError('setting-invalid', message);
}

/** The part after the prefix of the variable of each key. */
export const variableOfKey = {
  user: 'USER',
  password: 'PASSWORD',
  sessionToken: 'SESSION_TOKEN',
  'ca.crt': 'CA',
} as const;

type SecretKey = keyof typeof variableOfKey;

/** The keys of an account's Secret. */
export function secretKeysOf({ secret, sessionToken, secretKeys = [] }: Account): readonly SecretKey[] {
  if (secret !== undefined) return ['user', 'password', ...new Set(secretKeys)];
  return sessionToken === undefined ? ['user', 'password'] : ['user', 'password', 'sessionToken'];
}

function valueOfKey({ secret, user, password, sessionToken }: Account, key: SecretKey): string | undefined {
  if (secret !== undefined) return undefined;
  return { user, password, sessionToken, 'ca.crt': undefined }[key];
}
