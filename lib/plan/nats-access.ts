import { ConfigError } from '../errors';

/** Where nats is, and how a client logs in there. */
export interface NatsAccess {
  /** `nats://host:4222` or `tls://host:4222`, several separated by commas. Users and passwords are in files, never in it. */
  readonly url: string;
  /** Folder of credential files; default: no login. */
  readonly credentials?: string;
  /** JetStream domain that holds the streams; default: that of the server. */
  readonly domain?: string;
}

/** The environment variables of a process that reaches nats so. */
export function natsVariables({ url, credentials, domain }: NatsAccess): { readonly [name: string]: string } {
  return {
    KFLOW_NATS_URL: url,
    ...(credentials === undefined ? {} : { KFLOW_NATS_CREDENTIALS: credentials }),
    ...(domain === undefined ? {} : { KFLOW_NATS_DOMAIN: domain }),
  };
}

/** How pods reach nats. */
export interface PodNats {
  /** URL of nats from within the pods. */
  readonly natsUrl: string;
  /** Secrets of the pods' namespace whose keys are credential files, mounted as one folder; default: no login. */
  readonly natsSecrets?: readonly string[];
  /** JetStream domain that holds the streams; default: that of the server. */
  readonly natsDomain?: string;
}

/** The files of a folder of credentials, each optional. They are also the keys of a Secret that is mounted as the folder. */
export const credentialFiles = [
  'user',
  'password',
  'token',
  'nats.creds',
  'nkey',
  'ca.crt',
  'tls.crt',
  'tls.key',
] as const;

export type CredentialFile = (typeof credentialFiles)[number];

/** A server of a `NatsAccess`. */
export interface NatsServer {
  /** As it was given; a scheme may be missing. */
  readonly url: string;
  /** Name or address, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** A URL of one server: a host and a port, and nothing that could be a secret. */
const serverUrl = /^(?:(nats|tls):\/\/)?(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?\/?$/i;

/**
 * The servers of the URL of a `NatsAccess`. Throws ConfigError for anything but hosts and ports; a user or password is never
 * shown.
 */
export function natsServers(url: string, where = 'the URL of nats'): readonly [NatsServer, ...NatsServer[]] {
  const [first = '', ...others] = url.split(',').map((server) => server.trim());
  const count = others.length + 1;
  return [
    serverOf(first, { where, which: `server 1 of ${count}` }),
    ...others.map((server, at) => serverOf(server, { where, which: `server ${at + 2} of ${count}` })),
  ];
}

function serverOf(text: string, { where, which }: { readonly where: string; readonly which: string }): NatsServer {
  const [match, scheme = 'nats', ipV6, host = ipV6, port = '4222'] = serverUrl.exec(text) ?? [];
  if (match !== undefined && host !== undefined && Number(port) <= 65_535) {
    return { url: text.replace(/\/$/, ''), host, port: Number(port), isTls: scheme.toLowerCase() === 'tls' };
  }
  if (text.includes('@')) {
    throw new ConfigError(
      'secret-exposed',
      `${where}: contains a user, password or token, which would be visible in manifests and process lists; remove it, and store it in a file of the credentials: ${credentialFiles.slice(0, 3).join(', ')}`,
      { where },
    );
  }
  throw new ConfigError(
    'config-invalid',
    `${where}: want nats://host:4222 or tls://host:4222, several separated by commas, got ${text === '' ? 'nothing' : which}${whyNot(text)}`,
    { where },
  );
}

/** Why a text is not the URL of a server, without the text. */
function whyNot(text: string): string {
  const scheme = /^(\w+):\/\//.exec(text)?.[1];
  if (scheme !== undefined && !/^(nats|tls)$/i.test(scheme)) return ` (the scheme ${scheme}:// is not supported)`;
  if (/:\d+\/?$/.test(text)) return ' (its port is above 65535, or its host is no name)';
  return /[^:/][/?#]/.test(text) ? ' (it has a path or a query)' : '';
}

/** The servers of a URL as `host:port`. Throws ConfigError, as `natsServers` does. */
export function natsAddresses(url: string, where?: string): readonly string[] {
  return natsServers(url, where).map(({ host, port }) =>
    host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
  );
}

/** Whether two URLs name the same servers. Throws ConfigError, as `natsServers` does. */
export function areSameServers(one: string, other: string): boolean {
  const hosts = (url: string) => natsServers(url).map(({ host, port }) => `${host.toLowerCase()}:${port}`);
  return hosts(one).sort().join() === hosts(other).sort().join();
}

type Named = { readonly [name: string]: string | undefined };

/** What is wrong with URLs of nats and with JetStream domains, in the names that they have here. */
export function natsFaults({ urls, domains }: { readonly urls: Named; readonly domains: Named }): readonly string[] {
  return [...faultsOf(urls, natsServers), ...faultsOf(domains, natsDomainOf)];
}

function faultsOf(values: Named, check: (value: string, name: string) => unknown): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    try {
      if (value !== undefined) check(value, name);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return [error.message];
      throw error;
    }
  });
}

/** A JetStream domain. Throws ConfigError for a text that is not one token of a subject. */
export function natsDomainOf(domain: string, where = 'the JetStream domain'): string {
  if (/^[^\s.*>]+$/.test(domain)) return domain;
  throw new ConfigError('config-invalid', `${where}: want one word without spaces, ".", "*" and ">", got "${domain}"`, {
    where,
  });
}
