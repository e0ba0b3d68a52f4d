import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors';
import type { PlannedSecret, SecretVariable } from './flow-plan';
import { accountSecret } from './names';

/** Credentials for an address. User and password are absent if the user creates the Secret in the cluster. */
export interface Account {
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

  /** Adds an account's secret and returns the variables `<prefix>_USER` and `<prefix>_PASSWORD`. */
  accountVariables(account: Account, prefix: string): readonly SecretVariable[] {
    const secret = this.accountSecret(account);
    return [
      { name: `${prefix}_USER`, secret, key: 'user' },
      { name: `${prefix}_PASSWORD`, secret, key: 'password' },
    ];
  }

  /** Adds the secret with an account's `user` and `password`, and returns its name. */
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

/** An account without credentials uses those of another account at its address. */
function isSameAccount(one: PlannedSecret, other: PlannedSecret): boolean {
  const isOpen = [one, other].some(({ entries }) => Object.values(entries).every((value) => value === undefined));
  return one.addr === other.addr && (isOpen || isDeepStrictEqual(one.entries, other.entries));
}

function ambiguous(addr: string, name: string): ConfigError {
  const message = `${addr}: the secret ${name} already belongs to another account or to a server with a similar name; name a Secret for each ("secret: NAME" instead of user and password)`;
  return new ConfigError('setting-invalid', message);
}
