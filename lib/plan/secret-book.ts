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
export class SecretBook {
  private readonly secrets = new Map<string, PlannedSecret>();

  constructor(private readonly flow: { readonly jobId: string }) {}

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
    // another account of the same address gets a number, in the order of the document
    for (let number = 1; ; number++) {
      const name = number === 1 ? base : `${base}-${number}`;
      const there = this.secrets.get(name);
      if (there === undefined || isSame(there.entries, entries)) return this.add({ name, entries, addr });
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

function isSame(one: PlannedSecret['entries'], other: PlannedSecret['entries']): boolean {
  return one.user === other.user && one.password === other.password;
}
