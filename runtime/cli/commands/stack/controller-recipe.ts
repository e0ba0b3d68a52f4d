import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { controllerNodeOptions } from '../../../../lib/plan/controller-requirements';
import { settingTable } from '../../../controller/settings/setting-table';
import type { ServerRecipe } from '../../../servers/run-server';
import type { Stack } from '../../local-stack/find-stack';
import type { StackDirectory } from '../../local-stack/stack-directory';

const probeTimeoutMs = 5_000;

type Servers = Pick<Stack, 'nats' | 'temporal' | 's3' | 'socket'>;

/**
 * The controller of a stack: the same `kflow controller` as in a cluster. Of the settings in the environment, those of times,
 * of the log, of the length of histories and of the addresses of requests apply. The account of the S3 server is in a file that only
 * the stack's owner can read, not in the environment.
 */
export function controllerRecipe(directory: StackDirectory, servers: Servers): ServerRecipe {
  const file = writeSettings(directory, servers);
  return {
    name: 'controller',
    command: process.execPath,
    args: (port) => [
      controllerNodeOptions,
      path.join(__dirname, '../../main.js'),
      'controller',
      '--config',
      file,
      '--port',
      String(port),
    ],
    env: controllerEnvironment(directory, servers),
    probe: async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(probeTimeoutMs) });
      if (!answer.ok) throw new Error(`/readyz responded with ${answer.status}: ${(await answer.text()).trim()}`);
    },
  };
}

/** The settings that the environment gives the controller of a stack; all others are those of the stack's own servers, or meant for a cluster. */
const tunable = /^(times|log|requests)\.|^temporal\.historyLength$/;

const foreign = new Set(settingTable.filter(({ path }) => !tunable.test(path)).map(({ variable }) => variable));

/** Names of the variables that the controller of a stack does not get. */
export function ignoredSettings(env: NodeJS.ProcessEnv): readonly string[] {
  return Object.keys(env).filter((name) => foreign.has(name));
}

/** The environment of a stack's controller, without secrets. */
export function controllerEnvironment(directory: StackDirectory, servers: Servers): NodeJS.ProcessEnv {
  const given = Object.entries(process.env).filter(([name]) => !foreign.has(name));
  return {
    KFLOW_CONTROLLER_LOG_FORMAT: 'text',
    ...Object.fromEntries(given),
    KFLOW_CONTROLLER_LISTEN_HOST: '127.0.0.1',
    KFLOW_CONTROLLER_NATS_URL: servers.nats,
    KFLOW_CONTROLLER_NATS_REPLICAS: '1',
    KFLOW_CONTROLLER_NATS_ACCOUNTS_KIND: 'operator',
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: servers.temporal,
    KFLOW_CONTROLLER_CLUSTER_KIND: 'processes',
    KFLOW_CONTROLLER_CLUSTER_SOCKET: servers.socket,
    KFLOW_CONTROLLER_INSTALLATION_KEY_FILE: directory.keyFile,
    KFLOW_CONTROLLER_S3_MESSAGE_BUCKET: 'kflowinternal',
  };
}

/** The file with the settings that hold secrets. */
export function settingsFile(directory: StackDirectory): string {
  return path.join(directory.dataOf('controller'), 'settings.json');
}

/** Writes the settings that hold secrets, and returns the file. */
function writeSettings(directory: StackDirectory, { s3 }: Servers): string {
  const { endpoint: addr, user, password } = s3;
  const file = settingsFile(directory);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ s3: { override: { addr, user, password } } }, null, 2)}\n`, { mode: 0o600 });
  return file;
}
