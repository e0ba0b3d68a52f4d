import { connect } from 'node:http2';
import { join, resolve } from 'node:path';
import { loopback } from './choose-port';
import { resolveServer } from './resolve-server';
import { type RunningServer, runServer, type ServerOptions } from './run-server';

const probeTimeoutMs = 2_000;
const healthPath = '/grpc.health.v1.Health/Check';
const frontendService = 'temporal.api.workflowservice.v1.WorkflowService';
/** HealthCheckResponse { status: servingStatus } in protobuf. */
const servingStatus = Buffer.from([0x08, 0x01]);

export interface TemporalServer extends RunningServer {
  /** Address of the gRPC frontend: `<host>:<port>`. */
  readonly address: string;
}

export interface TemporalServerOptions extends ServerOptions {
  /** Namespaces in addition to `default`. */
  readonly namespaces?: readonly string[];
  /** Custom search attributes by name, as in `{ KFlowJob: 'Keyword' }`; added when the namespaces are created. */
  readonly searchAttributes?: { readonly [name: string]: string };
}

/** Starts a Temporal development server, with its data in one SQLite file below `dataDir`. */
export async function startTemporalServer(given: TemporalServerOptions): Promise<TemporalServer> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const { path } = await resolveServer('temporal', { progress: options.progress });
  const { host = loopback } = options;
  const args = (port: number) => [
    ...['server', 'start-dev', '--headless', '--ip', host, '--port', String(port)],
    ...['--db-filename', join(options.dataDir, 'temporal.db'), '--log-level', 'warn'],
    ...(options.namespaces ?? []).flatMap((name) => ['--namespace', name]),
    ...Object.entries(options.searchAttributes ?? {}).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ];
  const probe = (port: number) => probeHealth(`http://${host}:${port}`);
  const server = await runServer({ name: 'temporal', command: path, args, probe }, options);
  return { ...server, address: `${host}:${server.port}` };
}

/** Calls the gRPC health service of the frontend in one HTTP/2 request, without a gRPC client library. */
function probeHealth(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = connect(url);
    const done = (error?: Error): void => {
      session.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    session.setTimeout(probeTimeoutMs, () => done(new Error('no response from the health service')));
    session.once('error', done);
    const request = session.request({
      ':method': 'POST',
      ':path': healthPath,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('error', done);
    request.once('end', () => {
      // the message follows five bytes of gRPC framing
      const serving = Buffer.concat(chunks).subarray(5).equals(servingStatus);
      done(serving ? undefined : new Error('the frontend is not serving yet'));
    });
    request.end(grpcFrame(Buffer.concat([Buffer.from([0x0a, frontendService.length]), Buffer.from(frontendService)])));
  });
}

function grpcFrame(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}
