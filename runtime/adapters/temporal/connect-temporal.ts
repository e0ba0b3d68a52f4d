import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { ConfigError } from '../../../lib/errors';
import { retry } from '../../async/retry';
import { installRuntime, type TemporalLog } from './install-runtime';

/** Where Temporal is, and as whom it is asked. */
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
  /** Of the worker. */
  readonly native: NativeConnection;
  close(): Promise<void>;
}

/** How long to wait for the server at the start. */
const connectTimeoutMs = 60_000;
const delays = { firstMs: 100, maxMs: 500 };

/** Connects for requests and for the worker. Throws ConfigError `server-failed` when nothing answers within a minute. */
export async function connectTemporal(settings: TemporalSettings, log: TemporalLog): Promise<TemporalLinks> {
  installRuntime(log);
  const { address, namespace } = settings;
  const options = connectionOptions(settings);
  const connection = await retryConnect(address, () =>
    Connection.connect({
      ...options,
      connectTimeout: 5_000,
      // a server that comes back is found within a second
      channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1_000 },
    }),
  );
  const native = await retryConnect(address, () => NativeConnection.connect(options));
  const client = new Client({ connection, namespace });
  const close = async () => {
    await native.close();
    await connection.close();
  };
  return { client, native, close };
}

function connectionOptions({ address, tls, apiKeyFile }: TemporalSettings): NativeConnectionOptions {
  const apiKey = apiKeyFile === undefined ? undefined : readFileSync(apiKeyFile, 'utf8').trim();
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

function retryConnect<T>(address: string, connect: () => Promise<T>): Promise<T> {
  return retry(connect, {
    isRetryable: () => true,
    delays,
    timeoutMs: connectTimeoutMs,
    exhausted: (cause) =>
      new ConfigError('server-failed', `no Temporal server answers at ${address}: ${String(cause)}`, { cause }),
  });
}
