import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loopback } from './choose-port';
import { probeUrl } from './probe-url';
import { resolveServer } from './resolve-server';
import { type RunningServer, runServer, type ServerOptions } from './run-server';

export interface SearchServerProcess extends RunningServer {
  /** `http://<host>:<port>` */
  readonly endpoint: string;
}

/** Starts OpenSearch with one node, without users and TLS. The indices are below `dataDir/data`. */
export async function startSearchServer(given: ServerOptions): Promise<SearchServerProcess> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const { path } = await resolveServer('opensearch', { progress: options.progress });
  const { host = loopback, dataDir } = options;
  const [data, logs] = [join(dataDir, 'data'), join(dataDir, 'logs')];
  for (const folder of [data, logs]) mkdirSync(folder, { recursive: true });
  const settings = (port: number) => ({
    'cluster.name': 'kflow',
    'discovery.type': 'single-node',
    'network.host': host,
    'http.port': port,
    'transport.port': 0,
    'path.data': data,
    'path.logs': logs,
    // a laptop's disk may be nearly full
    'cluster.routing.allocation.disk.threshold_enabled': false,
  });
  const args = (port: number) => Object.entries(settings(port)).map(([key, value]) => `-E${key}=${value}`);
  const endpoint = (port: number) => `http://${host}:${port}`;
  const probe = (port: number) => probeUrl(`${endpoint(port)}/_cluster/health?wait_for_status=yellow&timeout=1s`);
  const server = await runServer({ name: 'opensearch', command: path, args, probe }, options);
  return { ...server, endpoint: endpoint(server.port) };
}
