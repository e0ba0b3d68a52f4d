import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { loopback } from './choose-port';
import { resolveServer } from './resolve-server';
import { type RunningServer, runServer, type ServerOptions } from './run-server';

const probeTimeoutMs = 2_000;
const maxPayloadBytes = 1_048_576;
const maxFileStoreBytes = 2 ** 50;

export interface NatsServer extends RunningServer {
  /** `nats://<host>:<port>` */
  readonly url: string;
}

export interface NatsServerOptions extends ServerOptions {
  /** Size limit of a message in bytes; 1 MiB when left out. */
  readonly maxPayload?: number;
  /** Further lines of the configuration, such as its accounts; without them, everybody on this machine gets in. */
  readonly config?: readonly string[];
}

/**
 * Starts nats-server with JetStream. Streams are files below `dataDir`. When the server process is killed, no acked
 * message is lost, as the file store writes each message to the operating system before the ack. A power failure may lose
 * the last seconds.
 */
export async function startNatsServer(given: NatsServerOptions): Promise<NatsServer> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const { path } = await resolveServer('nats-server', { progress: options.progress });
  const config = join(options.dataDir, 'nats.conf');
  const args = (port: number) => {
    writeFileSync(config, renderConfig({ ...options, port }), { mode: 0o600 });
    return ['--config', config];
  };
  const { host = loopback } = options;
  const probe = (port: number) => probeInfo(host, port);
  const server = await runServer({ name: 'nats-server', command: path, args, probe }, options);
  return { ...server, url: `nats://${host}:${server.port}` };
}

function renderConfig(settings: NatsServerOptions & { readonly port: number }): string {
  const lines = [
    `listen: "${settings.host ?? loopback}:${settings.port}"`,
    'server_name: kflow',
    `max_payload: ${settings.maxPayload ?? maxPayloadBytes}`,
    'jetstream {',
    // the server appends the folder `jetstream`
    `  store_dir: ${JSON.stringify(settings.dataDir)}`,
    // the limits of streams are far above their real size, but the server reserves them; so the total must not bind
    `  max_file_store: ${maxFileStoreBytes}`,
    '}',
    ...(settings.config ?? []),
  ];
  return `${lines.join('\n')}\n`;
}

/** The server sends INFO on every connection, which contains whether JetStream is enabled. */
function probeInfo(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: probeTimeoutMs });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const info = /^INFO (\{.*\}) *\r\n/.exec(text)?.[1];
      if (info === undefined) return;
      socket.destroy();
      if (JSON.parse(info).jetstream === true) resolve();
      else reject(new Error('JetStream is not enabled'));
    });
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error('no INFO received')));
    socket.once('close', () => reject(new Error('connection closed before INFO')));
  });
}
