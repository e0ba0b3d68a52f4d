import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import type { NatsAccess } from '../../../../lib/plan/nats-access';
import type { PlanSettings } from '../../../../lib/plan/plan-connections';
import type { Topology } from '../../../../lib/topology/document/topology';
import { descriptorOf } from '../../../../lib/topology/function-types/function-type';
import { Nkey } from '../../../adapters/nats-accounts/nkey';
import { startNatsServer } from '../../../servers/nats-server';
import type { RunningServer, ServerOptions } from '../../../servers/run-server';
import { startS3Server } from '../../../servers/s3-server';
import { startSearchServer } from '../../../servers/search-server';
import { describeServerEvent } from '../../../servers/server-event';
import { type ReplacedServers, replaceServers } from './replaced-servers';
import type { RunDirectory } from './run-directory';

/** How a flow runs on this machine. */
export interface LocalFlowOptions {
  readonly directory: RunDirectory;
  /** The document's directory. */
  readonly baseDir: string;
  /** Local servers replace the addresses of the topology. */
  readonly isEmbedded: boolean;
  /** Folder of credential files of a server that is not embedded; default: that of KFLOW_NATS_CREDENTIALS. */
  readonly natsCredentials?: string | undefined;
  /** How long servers that are not embedded may be away before the flow starts; default: a minute. */
  readonly timeoutMs?: number | undefined;
  readonly say: (line: string) => void;
}

/** The servers of a local flow. */
export interface LocalServers {
  /** For this command and for the replicas. */
  readonly nats: NatsAccess;
  readonly planSettings: PlanSettings;
  /** Absent: the servers are the topology's own. */
  readonly replaced?: ReplacedServers;
  stop(): Promise<void>;
}

/** Starts the embedded servers that a topology needs, or uses the topology's own addresses. */
export async function startLocalServers(topology: Topology, options: LocalFlowOptions): Promise<LocalServers> {
  if (!options.isEmbedded) {
    return { nats: natsOf(topology, options.natsCredentials), planSettings: {}, stop: async () => undefined };
  }
  const started: RunningServer[] = [];
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
  };
  try {
    const { config, folder: credentials } = soleLogin(options.directory.login);
    const nats = await startNatsServer({ ...serverOptions('nats', options), config });
    started.push(nats);
    options.say(`nats-server   ${nats.url} (process ${nats.pid()})`);
    const startSearch = async () => {
      const search = await startSearchServer(serverOptions('search', options));
      started.push(search);
      options.say(`opensearch    ${search.endpoint} (process ${search.pid()})`);
      return search;
    };
    const replaced = await replaceServers(topology, { startSearch, say: options.say });
    const access = { url: nats.url, credentials };
    const own = { streamReplicas: 1, hasOwnNats: true as const, servers: replaced.servers };
    if (!usesObjectStore(topology)) return { nats: access, planSettings: own, replaced, stop };
    const s3 = await startS3Server(serverOptions('s3', options));
    started.push(s3);
    options.say(`s3 server     ${s3.endpoint} (process ${s3.pid()})`);
    const s3Override = { addr: s3.endpoint, user: s3.user, password: s3.password };
    return {
      nats: access,
      planSettings: { ...own, s3Override, messageBucketDefault: 'kflowinternal' },
      replaced,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Lets in whoever can read the files of the folder, which is this command and the replicas it starts, and nobody else. */
export function soleLogin(folder: string): { readonly config: readonly string[]; readonly folder: string } {
  const user = Nkey.of('user', randomBytes(32));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(folder, 'nkey'), `${user.seed}\n`, { mode: 0o600 });
  return { config: [`authorization { users: [{ nkey: ${user.publicKey} }] }`], folder };
}

function serverOptions(name: string, options: LocalFlowOptions): ServerOptions {
  return {
    dataDir: path.join(options.directory.servers, name),
    logFile: path.join(options.directory.logs, `${name}-server.log`),
    progress: options.say,
    onEvent: (event) => options.say(describeServerEvent(event)),
  };
}

function usesObjectStore({ dag, globalConfig }: Topology): boolean {
  const isUsed = dag.some(
    (fn) =>
      descriptorOf(fn.type).connectsTo === 'object-store' ||
      fn.globalConfig.store.autoDownload ||
      fn.globalConfig.messageStore.enabled,
  );
  return isUsed || globalConfig.devStore.enabled;
}

/** The server of KFLOW_NATS_URL, else that of the topology's side streams. */
function natsOf(topology: Topology, given: string | undefined): NatsAccess {
  const url = process.env.KFLOW_NATS_URL ?? topology.globalConfig.sideStream.addr;
  if (url === undefined) {
    throw new ConfigError(
      'setting-missing',
      '--no-embedded requires the address of NATS: set KFLOW_NATS_URL, as in nats://host:4222',
    );
  }
  return ownNats(url, given);
}

/** A server that is not embedded, with the credentials and the JetStream domain of the environment, unless a folder is given. */
export function ownNats(url: string, given: string | undefined): NatsAccess {
  const { KFLOW_NATS_CREDENTIALS, KFLOW_NATS_DOMAIN: domain } = process.env;
  const folder = given ?? KFLOW_NATS_CREDENTIALS;
  return {
    url,
    ...(folder === undefined ? {} : { credentials: path.resolve(folder) }),
    ...(domain === undefined ? {} : { domain }),
  };
}
