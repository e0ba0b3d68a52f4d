import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../package-root';
import { probeUrl } from './probe-url';
import { resolveServer } from './resolve-server';
import { type RunningServer, runServer, type ServerOptions } from './run-server';

export interface NackControllerOptions extends ServerOptions {
  /** Path of the kubeconfig. NACK's CRDs must be there. */
  readonly kubeconfig: string;
  /** Used for objects without an `account`. */
  readonly natsUrl: string;
  /** Only the objects of this namespace; left out, of all. */
  readonly namespace?: string;
  /** How often objects are compared with the server, as `1s`; NACK's default is a minute. */
  readonly syncInterval?: string;
}

/** Starts NACK in control-loop mode, outside the cluster. */
export async function startNackController(given: NackControllerOptions): Promise<RunningServer> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const { kubeconfig, natsUrl, namespace, syncInterval } = options;
  const { path } = await resolveServer('nack', { progress: options.progress });
  const args = (port: number) => [
    '--control-loop',
    ...['--kubeconfig', kubeconfig, '-s', natsUrl, '--cache-dir', join(options.dataDir, 'credentials')],
    ...['--health-probe-bind-address', `127.0.0.1:${port}`],
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...(syncInterval === undefined ? [] : ['--sync-interval', syncInterval]),
  ];
  const { PATH, HOME, TMPDIR } = process.env;
  const probe = (port: number) => probeUrl(`http://127.0.0.1:${port}/readyz`);
  return runServer({ name: 'nack', command: path, env: { PATH, HOME, TMPDIR }, args, probe }, options);
}

/** Path of the file with NACK's CRDs, in the module that NACK is built from. Needs Go. */
export async function nackCrdsFile(): Promise<string> {
  const args = ['list', '-m', '-f', '{{.Dir}}', 'github.com/nats-io/nack'];
  const env = { ...process.env, GOFLAGS: '', GOWORK: 'off' };
  const { stdout } = await promisify(execFile)('go', args, { cwd: join(packageRoot, 'tools/nack'), env });
  return join(stdout.trim(), 'deploy/crds.yml');
}
