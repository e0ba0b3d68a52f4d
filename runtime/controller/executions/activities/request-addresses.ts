import { ConfigError } from '../../../../lib/errors';

/** Addresses of services, which requests name by a category and an environment. */
export class RequestAddresses {
  private readonly addresses: ReadonlyMap<string, string>;

  /** Each as `category=address` or `environment/category=address`. */
  constructor(entries: readonly string[] = []) {
    this.addresses = new Map(
      entries.map((entry) => {
        const at = entry.indexOf('=');
        return [entry.slice(0, at), new URL(entry.slice(at + 1)).href.replace(/\/*$/, '/')] as const;
      }),
    );
  }

  /** The address of a path of a service. Throws ConfigError for a service that has none, and for a path that leaves it. */
  of(
    path: string,
    { category, environ }: { readonly category: string; readonly environ?: string | undefined },
  ): string {
    const name = environ === undefined ? category : `${environ}/${category}`;
    const base = this.addresses.get(name);
    if (base === undefined) {
      const message = `${name}: no such address; add it to requests.addresses in the settings of the controller`;
      throw new ConfigError('setting-missing', message, { where: name });
    }
    const address = base + path.replace(/^\/+/, '');
    if (URL.canParse(address) && new URL(address).href.startsWith(base)) return address;
    throw new ConfigError('config-invalid', `${path}: not a path below the address of ${name}`, { where: name });
  }
}
