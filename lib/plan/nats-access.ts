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

/** A URL of one server: a host and a port, and nothing that could be a secret. */
const serverUrl = /^(?:(?:nats|tls):\/\/)?(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;

/**
 * The URLs of a `NatsAccess`, one for each server. Throws ConfigError for anything but hosts and ports; a user or password
 * is never shown.
 */
export function natsServers(url: string, where = 'the URL of nats'): readonly string[] {
  const servers = url.split(',').map((server) => server.trim());
  const at = servers.findIndex((server) => !serverUrl.test(server) || portOf(server) > 65_535);
  const bad = servers[at];
  if (bad === undefined) return servers;
  if (bad.includes('@')) {
    throw new ConfigError(
      'secret-exposed',
      `${where}: contains a user, password or token, which would be visible in manifests and process lists; remove it, and store it in a file of the credentials: ${credentialFiles.slice(0, 3).join(', ')}`,
      { where },
    );
  }
  const got = bad === '' ? 'nothing' : `server ${at + 1} of ${servers.length}, which is something else`;
  const scheme = /^(\w+):\/\//.exec(bad)?.[1];
  const reason =
    scheme === undefined || /^(nats|tls)$/i.test(scheme) ? '' : ` (the scheme ${scheme}:// is not supported)`;
  throw new ConfigError(
    'config-invalid',
    `${where}: want nats://host:4222 or tls://host:4222, several separated by commas, got ${got}${reason}`,
    { where },
  );
}

function portOf(server: string): number {
  return Number(/:(\d+)$/.exec(server)?.[1] ?? 0);
}

/** What is wrong with the address of nats for pods, in the names of the options. */
export function natsFaults({ natsUrl, natsDomain }: Pick<PodNats, 'natsUrl' | 'natsDomain'>): readonly string[] {
  const checks = [() => natsServers(natsUrl, 'natsUrl'), () => natsDomain && natsDomainOf(natsDomain, 'natsDomain')];
  return checks.flatMap((check) => {
    try {
      check();
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
