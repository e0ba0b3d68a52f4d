import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { resolveServer } from './resolve-server';
import type { ServerOptions } from './run-server';
import type { Progress } from './server-catalog';
import type { ServerEvent } from './server-event';

export interface KubernetesOptions {
  /** Holds all data, and logs as `logs/<server>.log`; created if missing. */
  readonly directory: string;
  /** Also runs kube-controller-manager, which creates the pods of workloads. */
  readonly controllers?: true;
  readonly progress?: Progress;
  /** Called on every event after the start. */
  readonly onEvent?: (event: ServerEvent) => void;
}

/** Program, files and environment that the servers of one control plane share. */
export interface KubernetesPlace {
  /** One program contains all the servers. */
  readonly command: string;
  readonly directory: string;
  /** Only the variables that the servers need: etcd reads every `ETCD_*` variable as a flag. */
  readonly env: NodeJS.ProcessEnv;
  /** Token of the administrator. */
  readonly token: string;
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
