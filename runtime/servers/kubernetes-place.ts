import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { resolveServer } from './resolve-server';
import type { ServerOptions } from './run-server';
import type { Progress } from './server-catalog';
import type { ServerEvent } from './server-event';

export interface KubernetesOptions {
  /** Everything is kept below this directory, logs as `logs/<server>.log`; made when it does not exist. */
  readonly directory: string;
  /** Runs kube-controller-manager as well, which makes the pods of workloads. */
  readonly controllers?: true;
  readonly progress?: Progress;
  /** Told what happens after the start. */
  readonly onEvent?: (event: ServerEvent) => void;
}

/** What the servers of one control plane share. */
export interface KubernetesPlace {
  /** The program that is all of them. */
  readonly command: string;
  readonly directory: string;
  /** No more of our environment than they need: etcd takes every `ETCD_*` as a flag. */
  readonly env: NodeJS.ProcessEnv;
  /** Of the administrator. */
  readonly token: string;
  readonly tokenFile: string;
  /** Signs the tokens of service accounts. */
  readonly signingKeyFile: string;
  optionsOf(server: string): ServerOptions;
}

/** Finds the program and makes, the first time, the keys that `directory` keeps. */
export async function prepareKubernetesPlace(options: KubernetesOptions): Promise<KubernetesPlace> {
  const { progress, onEvent } = options;
  const { path: command } = await resolveServer('kubernetes', { progress });
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  const tokenFile = join(directory, 'tokens.csv');
  const signingKeyFile = join(directory, 'service-accounts.key');
  keepSecret(tokenFile, () => `${randomBytes(20).toString('hex')},admin,admin,system:masters\n`);
  keepSecret(signingKeyFile, () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  });
  const { PATH, HOME, TMPDIR, TZ } = process.env;
  return {
    command,
    directory,
    env: { PATH, HOME, TMPDIR, TZ },
    token: readFileSync(tokenFile, 'utf8').split(',')[0] ?? '',
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

function keepSecret(file: string, make: () => string): void {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
}
