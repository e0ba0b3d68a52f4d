import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../lib/errors';
import { S3ObjectStore } from '../adapters/s3/object-store';
import { loopback } from './choose-port';
import { resolveServer } from './resolve-server';
import { type RunningServer, runServer, type ServerOptions } from './run-server';

export interface S3Server extends RunningServer {
  /** `http://<host>:<port>` */
  readonly endpoint: string;
  readonly user: string;
  readonly password: string;
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Starts versitygw, with credentials that are generated once. A bucket is a folder below `dataDir/buckets` and
 * an object is a file in that folder, so a bucket cannot hold both `a` and `a/b`: the second write is rejected. Metadata
 * such as ETags is stored in extended attributes or, on file systems without them, in files below `dataDir/metadata`,
 * which is slower.
 */
export async function startS3Server(given: ServerOptions): Promise<S3Server> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const { path } = await resolveServer('versitygw', { progress: options.progress });
  const metadata = join(options.dataDir, 'metadata');
  const isFirstStart = !existsSync(join(options.dataDir, 'credentials.json'));
  try {
    return await start(path, options, existsSync(metadata) ? metadata : undefined);
  } catch (error) {
    const mayLackAttributes = isFirstStart && error instanceof ConfigError && error.code === 'server-failed';
    if (!mayLackAttributes) throw error;
    mkdirSync(metadata);
    try {
      return await start(path, options, metadata);
    } catch {
      // the file system is not the cause: report the first error, and try extended attributes again on the next start
      for (const made of [metadata, join(options.dataDir, 'credentials.json')]) rmSync(made, { recursive: true });
      throw error;
    }
  }
}

async function start(command: string, options: ServerOptions, metadata: string | undefined): Promise<S3Server> {
  const buckets = join(options.dataDir, 'buckets');
  mkdirSync(buckets, { recursive: true });
  const { host = loopback } = options;
  const credentials = keptCredentials(join(options.dataDir, 'credentials.json'));
  const sidecar = metadata === undefined ? [] : ['--sidecar', metadata];
  const args = (port: number) => {
    const listen = ['--port', `${host}:${port}`, '--keep-alive', '--quiet'];
    return [...listen, 'posix', ...sidecar, buckets];
  };
  const env = serverEnvironment(credentials);
  const probe = (port: number) => probeSigned(`${host}:${port}`, credentials);
  const server = await runServer({ name: 'versitygw', command, args, env, probe }, options);
  return { ...server, endpoint: `http://${host}:${server.port}`, ...credentials };
}

/** Only the variables that the server needs: others could turn on its event or audit log. */
function serverEnvironment({ user, password }: Credentials): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, TZ } = process.env;
  return { PATH, HOME, TMPDIR, TZ, ROOT_ACCESS_KEY: user, ROOT_SECRET_KEY: password };
}

function keptCredentials(file: string): Credentials {
  if (!existsSync(file)) {
    const made: Credentials = { user: 'kflow', password: randomBytes(20).toString('hex') };
    writeFileSync(file, `${JSON.stringify(made)}\n`, { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function probeSigned(addr: string, credentials: Credentials): Promise<void> {
  const store = new S3ObjectStore({ addr, ...credentials, retryForMs: 0 });
  try {
    await store.bucketExists('kflow-probe');
  } finally {
    await store.close();
  }
}
