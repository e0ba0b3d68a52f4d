import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors';
import type { PlannedSecret, SecretVariable } from './flow-plan';
import { accountSecret } from './names';

/** Who asks at an address. Values are absent where the document leaves them to the cluster. */
export interface Account {
  readonly addr: string;
  readonly user?: string;
  readonly password?: string;
  /** Name of a Secret that is there already, in place of the two. */
  readonly secret?: string;
}

/** The secrets of a flow: one for each account, however many functions use it. */
export class FlowSecrets {
  private readonly secrets = new Map<string, PlannedSecret>();

  /** `areInCluster`: somebody makes the secrets by their names, which must not depend on the order of the document. */
  constructor(
    private readonly flow: { readonly jobId: string },
    private readonly areInCluster: boolean,
  ) {}

  /** The variables `<prefix>_USER` and `<prefix>_PASSWORD` of an account. */
  accountVariables(account: Account, prefix: string): readonly SecretVariable[] {
    const secret = this.accountSecret(account);
    return [
      { name: `${prefix}_USER`, secret, key: 'user' },
      { name: `${prefix}_PASSWORD`, secret, key: 'password' },
    ];
  }

  /** Name of the secret with an account's `user` and `password`. */
  accountSecret({ addr, user, password, secret }: Account): string {
    if (secret !== undefined)
      return this.add({ name: secret, entries: { user: undefined, password: undefined }, isGiven: true });
    const entries = { user, password };
    const base = accountSecret(this.flow, addr);
    for (let number = 1; ; number++) {
      const planned: PlannedSecret = { name: number === 1 ? base : `${base}-${number}`, entries, addr };
      const there = this.secrets.get(planned.name);
      if (there === undefined || isSameAccount(there, planned)) return this.add(planned);
      if (this.areInCluster) throw ambiguous(addr, base);
    }
  }

  add(secret: PlannedSecret): string {
    if (!this.secrets.has(secret.name)) this.secrets.set(secret.name, secret);
    return secret.name;
  }

  get all(): readonly PlannedSecret[] {
    return [...this.secrets.values()];
  }
}

/** Credentials that are not given are those of the address. */
function isSameAccount(one: PlannedSecret, other: PlannedSecret): boolean {
  const isOpen = [one, other].some(({ entries }) => Object.values(entries).every((value) => value === undefined));
  return one.addr === other.addr && (isOpen || isDeepStrictEqual(one.entries, other.entries));
}

function ambiguous(addr: string, name: string): ConfigError {
  const message = `${addr}: another account, or another server with a name spelled alike, has the secret ${name} already; name a Secret for each ("secret: NAME" in place of user and password)`;
  return new ConfigError('setting-invalid', message);
}
