import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import { DerivedKeys } from '../../../adapters/nats-accounts/derived-keys';
import { operatorConfig } from '../../../adapters/nats-accounts/server-config';
import { waitForEarlierProcesses } from '../../../adapters/processes/earlier-processes';
import { startProcessNode } from '../../../adapters/processes/process-node';
import { ensureKeyFile } from '../../../installation/key-file';
import { type NatsServer, startNatsServer } from '../../../servers/nats-server';
import { type RunningServer, runServer, type ServerOptions } from '../../../servers/run-server';
import { startS3Server } from '../../../servers/s3-server';
import { startSearchServer } from '../../../servers/search-server';
import { describeServerEvent } from '../../../servers/server-event';
import { startTemporalServer } from '../../../servers/temporal-server';
import { type Stack, writeStack } from '../../local-stack/find-stack';
import { holdPresence } from '../../local-stack/presence';
import type { ServerName, StackDirectory } from '../../local-stack/stack-directory';
import { controllerRecipe, ignoredSettings } from './controller-recipe';
import { StackSubstitutes } from './stack-substitutes';

/** The controller ends within ten seconds of SIGTERM. */
const controllerGraceMs = 12_000;

/** Folder of the accounts of nats, beside its streams. */
const accountsFolder = 'accounts';

/** Port of the API, if free. */
const standardPort = 9080;

/** Ports of the command line; for the others, free ports are chosen and kept. */
export interface StackPorts {
  readonly port?: number | undefined;
  readonly natsPort?: number | undefined;
  readonly temporalPort?: number | undefined;
  readonly s3Port?: number | undefined;
}

export interface SupervisorOptions {
  readonly directory: StackDirectory;
  readonly ports: StackPorts;
  readonly say: (line: string) => void;
}

/**
 * The process that keeps a stack running.
 *
 * I1. The supervisor holds the folder's presence from before the first start until everything has ended.
 * I2. `stack.json` exists only after every server has become ready, until the stack ends.
 * I3. Servers end in the reverse order of their start: none ends before those that need it.
 */
export class StackSupervisor {
  private readonly ends: { readonly what: string; readonly end: () => Promise<unknown> }[] = [];
  /** What `stack.json` says, once every server has become ready. */
  private stack: Stack | undefined;

  private constructor(private readonly options: SupervisorOptions) {}

  /** Resolves when every server responds. Ends all of them and throws ConfigError when one does not start. */
  static async start(options: SupervisorOptions): Promise<StackSupervisor> {
    const supervisor = new StackSupervisor(options);
    try {
      await supervisor.startAll();
    } catch (error) {
      await supervisor.close();
      throw error;
    }
    return supervisor;
  }

  /** Ends the controller, then the replicas, which finish their records in flight, then the servers. */
  async close(): Promise<void> {
    rmSync(this.options.directory.file, { force: true });
    for (const { what, end } of this.ends.splice(0).reverse()) {
      await end().catch((error: unknown) => this.options.say(`${what} failed to end cleanly: ${String(error)}`));
    }
  }

  private async startAll(): Promise<void> {
    const { directory, ports, say } = this.options;
    const presence = await holdPresence(directory);
    this.ends.push({ what: 'the lock of the folder', end: () => presence.close() });
    rmSync(directory.file, { force: true });
    await waitForEarlierProcesses(directory.pidFiles);
    const nats = await this.server('nats-server', this.startNats());
    this.answers('--nats-port', ports.natsPort, { name: 'nats-server', address: nats.url, pid: nats.pid() });
    const temporal = await this.server(
      'temporal',
      startTemporalServer(this.serverOptions('temporal', ports.temporalPort)),
    );
    this.answers('--temporal-port', ports.temporalPort, {
      name: 'temporal',
      address: temporal.address,
      pid: temporal.pid(),
    });
    const s3 = await this.server('s3 server', startS3Server(this.serverOptions('s3', ports.s3Port)));
    this.answers('--s3-port', ports.s3Port, { name: 's3 server', address: s3.endpoint, pid: s3.pid() });
    const substitutes = await this.substitutes();
    const socket = await this.processNode(nats.url, substitutes);
    const { endpoint, user, password } = s3;
    const servers = { nats: nats.url, temporal: temporal.address, s3: { endpoint, user, password }, socket };
    const url = await this.controller(servers);
    this.stack = { version: 1, pid: process.pid, url, ...servers, ...substitutes.place() };
    writeStack(directory, this.stack);
    say(`logs          ${path.relative('', directory.logs)}/`);
  }

  /** In operator mode: nobody gets in without a login that is derived from the installation key of the stack. */
  private startNats(): Promise<NatsServer> {
    const { directory, ports } = this.options;
    assertHasAccounts(directory);
    const keys = keysOf(directory);
    const config = operatorConfig(keys, path.join(directory.dataOf('nats'), accountsFolder));
    return startNatsServer({ ...this.serverOptions('nats', ports.natsPort), config });
  }

  private async substitutes(): Promise<StackSubstitutes> {
    const { directory, say } = this.options;
    const substitutes = new StackSubstitutes({
      file: path.join(directory.data, 'substitutes.json'),
      startSearch: () => startSearchServer(this.serverOptions('search')),
      onSearch: ({ endpoint, pid }) => {
        say(`${'opensearch'.padEnd(14)}${endpoint} (process ${pid()})`);
        if (this.stack === undefined) return;
        this.stack = { ...this.stack, search: endpoint };
        writeStack(directory, this.stack);
      },
    });
    this.ends.push({ what: 'opensearch', end: () => substitutes.stop() });
    await substitutes.start();
    return substitutes;
  }

  /** Replicas are processes of the supervisor, so that they outlive the controller. */
  private async processNode(natsUrl: string, servers: StackSubstitutes): Promise<string> {
    const { directory, say } = this.options;
    const socketPath = directory.socket('node.sock');
    const env = { KFLOW_NATS_URL: natsUrl };
    const node = await startProcessNode({
      directory: directory.dataOf('processes'),
      socketPath,
      env,
      defaults: { KFLOW_LOG_FORMAT: 'text' },
      servers,
      log: (line) => say(`process node: ${line}`),
    });
    this.ends.push({ what: 'the process node', end: async () => node.close() });
    return socketPath;
  }

  private async controller(servers: Pick<Stack, 'nats' | 'temporal' | 's3' | 'socket'>): Promise<string> {
    const { directory, ports, say } = this.options;
    const ignored = ignoredSettings(process.env);
    if (ignored.length > 0) say(`ignored, since the stack has servers of its own: ${ignored.join(', ')}`);
    const options = this.serverOptions('controller', ports.port, standardPort);
    const server = await this.server(
      'controller',
      runServer(controllerRecipe(directory, servers), options),
      controllerGraceMs,
    );
    const url = `http://127.0.0.1:${server.port}`;
    this.answers('--port', ports.port, { name: 'controller', address: url, pid: server.pid() });
    if (ports.port === undefined && server.port !== standardPort) {
      say(`              port ${standardPort} is in use; later starts reuse this port unless --port is given`);
    }
    return url;
  }

  private async server<T extends RunningServer>(what: string, starting: Promise<T>, graceMs?: number): Promise<T> {
    const server = await starting;
    this.ends.push({ what, end: () => server.stop(graceMs) });
    return server;
  }

  private serverOptions(name: ServerName, requested?: number, preferred?: number): ServerOptions {
    const { directory, say } = this.options;
    const { port, natsPort, temporalPort, s3Port } = this.options.ports;
    const avoided = [port, natsPort, temporalPort, s3Port].flatMap((each) =>
      each === undefined || each === requested ? [] : [each],
    );
    return {
      dataDir: directory.dataOf(name),
      port: { requested, preferred, avoided },
      logFile: path.join(directory.logs, `${name}.log`),
      restartsForever: true,
      progress: say,
      onEvent: (event) => say(describeServerEvent(event)),
    };
  }

  private answers(
    option: string,
    requested: number | undefined,
    { name, address, pid }: { readonly name: string; readonly address: string; readonly pid: number | undefined },
  ): void {
    assertPort(option, requested, address);
    this.options.say(`${name.padEnd(14)}${address} (process ${pid})`);
  }
}

/** Throws ConfigError for the data of a version whose nats had no accounts: the streams are where no login reaches them. */
function assertHasAccounts(directory: StackDirectory): void {
  const nats = directory.dataOf('nats');
  if (!existsSync(path.join(nats, 'jetstream/$G')) || existsSync(path.join(nats, accountsFolder))) return;
  throw new ConfigError(
    'config-invalid',
    `${directory.data}: the streams there are of a version of kflow whose nats had no accounts; finish its flows with that version, then remove them with \`kflow down --remove-data\`, or choose another --directory`,
  );
}

/**
 * The keys of the stack; a new stack gets a new installation key. Throws ConfigError for data of another key, which no login
 * of this one reaches: a stack that started with it would lack its flows.
 */
function keysOf(directory: StackDirectory): DerivedKeys {
  const folder = path.join(directory.dataOf('nats'), accountsFolder);
  const accounts = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.jwt')) : [];
  const problem = (what: string) =>
    new ConfigError(
      'config-invalid',
      `${directory.keyFile}: ${what}; restore it from a copy, or remove the data with \`kflow down --remove-data\``,
    );
  if (accounts.length > 0 && !existsSync(directory.keyFile)) {
    throw problem('the installation key is missing, and the data of the stack cannot be read without it');
  }
  const keys = new DerivedKeys(ensureKeyFile(directory.keyFile));
  const own = [keys.ofController(), keys.ofServer().system].map(({ account }) => `${account.publicKey}.jwt`);
  if (accounts.length > 0 && !own.some((file) => accounts.includes(file))) {
    throw problem('not the installation key that the data of the stack was made with, whose line has to stay the last');
  }
  return keys;
}

/** Throws ConfigError when a server did not get the port of the command line. */
function assertPort(option: string, requested: number | undefined, address: string): void {
  if (requested === undefined || address.endsWith(`:${requested}`)) return;
  throw new ConfigError(
    'config-invalid',
    `${option} ${requested}: the port is in use; end the other program, choose another port, or leave ${option} out`,
  );
}
