import { readFileSync } from 'node:fs';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  type NativeConnectionOptions,
  Runtime,
} from '@temporalio/worker';
import { ConfigError } from '../../../lib/errors';
import { retry } from '../../async/retry';
import { dataConverter } from './gzip-codec';

/** Address and credentials of a Temporal server. */
export interface TemporalSettings {
  /** `host:port` of the frontend. */
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly serverName?: string;
  };
  readonly apiKeyFile?: string;
}

export interface TemporalLinks {
  readonly client: Client;
  /** The worker's connection. */
  readonly native: NativeConnection;
  close(): Promise<void>;
}

export type TemporalLog = (level: 'WARNING' | 'ERROR', text: string) => void;

/** How long to wait for the server to respond at the start. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };
/** How soon a replaced API key takes effect. */
const keyCheckMs = 2_000;

/** Connects a client and a worker. An API key is read again when its file changes. Throws ConfigError `server-failed` when the server does not respond within a minute. */
export async function connectTemporal(settings: TemporalSettings, log: TemporalLog): Promise<TemporalLinks> {
  installRuntime(log);
  const { address, namespace } = settings;
  const options = connectionOptions(settings);
  const connection = await retryConnect({ address, log }, () =>
    Connection.connect({
      ...options,
      connectTimeout: 5_000,
      // reconnect within a second after an outage
      channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1_000 },
    }),
  );
  const native = await retryConnect({ address, log }, () => NativeConnection.connect(options));
  const client = new Client({ connection, namespace, dataConverter });
  const keeper = keepApiKey(settings, log, async (key) => {
    connection.setApiKey(key);
    await native.setApiKey(key);
  });
  const close = async () => {
    clearInterval(keeper);
    await native.close();
    await connection.close();
  };
  return { client, native, close };
}

/** Connects a client once, for a look at the server. Throws an error of the client, and those of `look`. */
export async function lookAtTemporal<T>(settings: TemporalSettings, look: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ ...connectionOptions(settings), connectTimeout: 5_000 });
  try {
    return await look(new Client({ connection, namespace: settings.namespace }));
  } finally {
    await connection.close();
  }
}

/** Asks a server what it is. Throws an error of the client. */
export async function inspectTemporal(
  { workflowService }: Client,
  { namespace }: Pick<TemporalSettings, 'namespace'>,
): Promise<{ readonly version: string; readonly hasNamespace: boolean }> {
  const { serverVersion } = await workflowService.getSystemInfo({});
  const found = await workflowService.describeNamespace({ namespace }).catch((error: unknown) => {
    if (isGrpcServiceError(error) && error.code === notFound) return undefined;
    throw error;
  });
  return { version: serverVersion || 'of unknown version', hasNamespace: found !== undefined };
}

/** gRPC's status NOT_FOUND. */
const notFound = 5;

/** Calls `use` with the content of the file of the API key whenever it has changed. */
function keepApiKey(
  { apiKeyFile }: TemporalSettings,
  log: TemporalLog,
  use: (key: string) => Promise<void>,
): NodeJS.Timeout | undefined {
  if (apiKeyFile === undefined) return undefined;
  let current = readKey(apiKeyFile);
  let isReadable = true;
  const check = async () => {
    try {
      const key = readKey(apiKeyFile);
      if (key !== current && key !== '') await use(key);
      current = key;
      isReadable = true;
    } catch (error) {
      if (isReadable) log('WARNING', `temporal.apiKeyFile: keeping the previous key: ${(error as Error).message}`);
      isReadable = false;
    }
  };
  return setInterval(() => void check(), keyCheckMs).unref();
}

function readKey(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

function connectionOptions({ address, tls, apiKeyFile }: TemporalSettings): NativeConnectionOptions {
  const apiKey = apiKeyFile === undefined ? undefined : readKey(apiKeyFile);
  const secured = tls === undefined ? apiKey !== undefined : readTls(tls);
  return { address, tls: secured, ...(apiKey === undefined ? {} : { apiKey }) };
}

function readTls(files: NonNullable<TemporalSettings['tls']>): NativeConnectionOptions['tls'] {
  const { caFile, certFile, keyFile, serverName } = files;
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const crt = read(certFile);
  const key = read(keyFile);
  return {
    serverNameOverride: serverName,
    serverRootCACertificate: read(caFile),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
  };
}

function retryConnect<T>(
  { address, log }: { readonly address: string; readonly log: TemporalLog },
  connect: () => Promise<T>,
): Promise<T> {
  const why = (cause: unknown) => `cannot reach Temporal at ${address}: ${String(cause)}`;
  return retry(connect, {
    isRetryable: () => true,
    delays,
    timeoutMs: connectTimeoutMs,
    onRetry: (cause, made) => {
      if (made === 1) log('WARNING', `${why(cause)}; retrying`);
    },
    exhausted: (cause) => new ConfigError('server-failed', why(cause), { cause }),
  });
}

let isInstalled = false;

/** Redirects Temporal's logs to ours and leaves signals to the process; once per process. */
function installRuntime(log: TemporalLog): void {
  if (isInstalled) return;
  isInstalled = true;
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    const text = meta?.error === undefined ? message : `${message}: ${String(meta.error)}`;
    log(level === 'ERROR' ? 'ERROR' : 'WARNING', `Temporal: ${text}`);
  });
  const logging = { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} };
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging } });
}
