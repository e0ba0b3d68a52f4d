import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loopback } from './choose-port';
import { resolveServer } from './resolve-server';
import type { ServerOptions } from './run-server';
import type { Progress } from './server-catalog';
import type { ServerEvent } from './server-event';

/** Name of the only node that a control plane may get. */
export const nodeName = 'kflow-node';

export interface KubernetesOptions {
  /** Holds all data, and logs as `logs/<server>.log`; created if missing. */
  readonly directory: string;
  /** Also runs kube-controller-manager, which creates the pods of workloads. */
  readonly controllers?: true;
  /** IPv4 address of the API server, which pods reach as the service `kubernetes` unless it is loopback, the default. */
  readonly host?: string;
  readonly progress?: Progress;
  /** Called on every event after the start. */
  readonly onEvent?: (event: ServerEvent) => void;
}

/** Who uses the API server, with the groups of each; RBAC knows the programs of a node by their names. */
const users = {
  admin: 'system:masters',
  [`system:node:${nodeName}`]: 'system:nodes',
  'system:kube-scheduler': '',
  'system:kube-proxy': '',
} as const;

export type KubernetesUser = keyof typeof users;

/** Program, files and environment that the servers of one control plane share. */
export interface KubernetesPlace {
  /** One program contains all the servers. */
  readonly command: string;
  readonly directory: string;
  readonly host: string;
  /** Only the variables that the servers need: etcd reads every `ETCD_*` variable as a flag. */
  readonly env: NodeJS.ProcessEnv;
  readonly tokens: { readonly [user in KubernetesUser]: string };
  readonly tokenFile: string;
  /** Key that signs the tokens of service accounts. */
  readonly signingKeyFile: string;
  optionsOf(server: string): ServerOptions;
}

/** Finds the program, and creates the keys in `directory` on the first start. */
export async function prepareKubernetesPlace(options: KubernetesOptions): Promise<KubernetesPlace> {
  const { progress, onEvent } = options;
  const { path: command } = await resolveServer('kubernetes', { progress });
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  const tokenFile = join(directory, 'tokens.csv');
  const signingKeyFile = join(directory, 'service-accounts.key');
  keepSecret(tokenFile, () =>
    Object.entries(users)
      .map(([user, groups]) => `${randomBytes(20).toString('hex')},${user},${user},${groups}\n`)
      .join(''),
  );
  keepSecret(signingKeyFile, () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  });
  const { PATH, HOME, TMPDIR, TZ } = process.env;
  return {
    command,
    directory,
    env: { PATH, HOME, TMPDIR, TZ },
    host: options.host ?? loopback,
    tokens: readTokens(tokenFile),
    tokenFile,
    signingKeyFile,
    optionsOf: (server) => ({
      dataDir: join(directory, server),
      logFile: join(directory, 'logs', `${server}.log`),
      progress,
      onEvent,
    }),
  };
}

function readTokens(file: string): KubernetesPlace['tokens'] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(',').slice(0, 2).reverse()));
}

function keepSecret(file: string, make: () => string): void {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
}
