import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../lib/errors';
import type { Progress, Release } from './server-catalog';

const releasesUrl = 'https://github.com';
const idleTimeoutMs = 30_000;
const reportEveryMs = 2_000;

/**
 * Downloads an archive into `directory`, verifies its SHA-256 before unpacking, and returns the path of the program.
 * `KFLOW_RELEASES_URL` replaces https://github.com. Throws ConfigError with the reason when a step fails.
 */
export async function downloadRelease(
  release: Release,
  directory: string,
  context: { readonly env: NodeJS.ProcessEnv; readonly progress: Progress },
): Promise<string> {
  const url = `${(context.env.KFLOW_RELEASES_URL || releasesUrl).replace(/\/+$/, '')}/${release.path}`;
  const archive = join(directory, 'archive.tar.gz');
  try {
    context.progress(`downloading ${url}`);
    const sha256 = await downloadFile(url, archive, context.progress);
    if (sha256 !== release.sha256) {
      throw new ConfigError('server-missing', `checksum differs: expected sha256 ${release.sha256}, got ${sha256}`);
    }
    await promisify(execFile)('tar', ['-xzf', archive, '-C', directory, release.member]);
  } catch (error) {
    throw new ConfigError('server-missing', `${url}: ${reasonOf(error)}`, { where: url, cause: error });
  }
  return join(directory, release.member);
}

/** Downloads a URL into a file and returns the SHA-256 of the content. Aborts when no data arrives for a while. */
async function downloadFile(url: string, file: string, progress: Progress): Promise<string> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error(`no data for ${idleTimeoutMs / 1000} s`)), idleTimeoutMs);
  const output = await open(file, 'w');
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) throw new Error(`${response.status} ${response.statusText}`);
    const report = meter(Number(response.headers.get('content-length')), progress);
    const hash = createHash('sha256');
    for await (const chunk of response.body) {
      timer.refresh();
      hash.update(chunk);
      await output.write(chunk);
      report(chunk.length);
    }
    return hash.digest('hex');
  } finally {
    clearTimeout(timer);
    await output.close();
  }
}

function meter(total: number, progress: Progress): (bytes: number) => void {
  let done = 0;
  let reported = Date.now();
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return (bytes) => {
    done += bytes;
    if (done === total || Date.now() - reported >= reportEveryMs) {
      reported = Date.now();
      progress(`  ${megabytes(done)} MB${total > 0 ? ` of ${megabytes(total)} MB` : ''}`);
    }
  };
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
