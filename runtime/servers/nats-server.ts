import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { resolveServer } from './resolve-server';
import { type RunningServer, runServer, type ServerOptions } from './run-server';

const PROBE_TIMEOUT_MS = 2_000;
const MAX_PAYLOAD = 1_048_576;
const MAX_FILE_STORE = 2 ** 50;

export interface NatsServer extends RunningServer {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
}

export interface NatsServerOptions extends ServerOptions {
  /** Bytes of the largest message; 1 MiB when left out. */
  readonly maxPayload?: number;
}

/**
 * Starts nats-server with JetStream on loopback, without authentication, as loopback servers of one user are. Streams
 * are files below `dataDir`. A killed server process loses nothing it has acked: the file store hands every message
 * to the operating system before the ack; a power cut may lose the seconds before it.
 */
export async function startNatsServer(given: NatsServerOptions): Promise<NatsServer> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const { path } = await resolveServer('nats-server', { progress: options.progress });
  const config = join(options.dataDir, 'nats.conf');
  const args = (port: number) => {
    writeFileSync(config, renderConfig({ ...options, port }));
    return ['--config', config];
  };
  const server = await runServer({ name: 'nats-server', command: path, args, probe }, options);
  return { ...server, url: `nats://127.0.0.1:${server.port}` };
}

function renderConfig(settings: NatsServerOptions & { readonly port: number }): string {
  const lines = [
    `listen: "127.0.0.1:${settings.port}"`,
    'server_name: kflow',
    `max_payload: ${settings.maxPayload ?? MAX_PAYLOAD}`,
    'jetstream {',
    // The server adds a folder `jetstream` of its own.
    `  store_dir: ${JSON.stringify(settings.dataDir)}`,
    // What streams may hold is a bound, and far above what they do; the server would count it as taken from the disk.
    `  max_file_store: ${MAX_FILE_STORE}`,
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** The server greets every connection with its INFO, which says whether JetStream is up. */
function probe(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: PROBE_TIMEOUT_MS });
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
    socket.once('timeout', () => socket.destroy(new Error('no INFO came')));
    socket.once('close', () => reject(new Error('closed before INFO came')));
  });
}
