import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A file whose content is known before it is read. `sources` are tried in order. */
export interface PinnedFile {
  readonly name: string;
  /** `sha256` or `sha512`, and the digest in hexadecimal. */
  readonly algorithm: string;
  readonly digest: string;
  readonly sources: readonly (() => Promise<Buffer>)[];
}

export const imageCache = path.join(process.env.KFLOW_CACHE ?? path.join(homedir(), '.cache/kflow'), 'image');

const attempts = 4;

/** The file's content, from the cache or from the first source that has it; throws if none has these very bytes. */
export async function readPinned({ name, algorithm, digest, sources }: PinnedFile): Promise<Buffer> {
  const cached = path.join(imageCache, 'downloads', digest);
  const known = readIfThere(cached);
  if (known !== undefined && digestOf(known, algorithm) === digest) return known;
  const faults: string[] = [];
  for (const source of sources) {
    const content = await source().catch((error: Error) => error);
    if (content instanceof Error) faults.push(content.message);
    else if (digestOf(content, algorithm) !== digest) faults.push(`not the ${algorithm} of image.lock.json`);
    else {
      writeAtomically(cached, content);
      return content;
    }
  }
  throw new Error(`image: no copy of ${name}: ${faults.join('; ')}`);
}

/** The body of `url`, which every error names; a server's failure and a broken connection are tried again, "not found" is not. */
export async function download(url: string): Promise<Buffer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(url);
      if (response.ok) return Buffer.from(await response.arrayBuffer());
      if (response.status < 500 || attempt === attempts) return await Promise.reject(statusError(url, response.status));
    } catch (error) {
      if (error instanceof StatusError) throw error;
      // fetch says "fetch failed", and only the cause why
      const { message, cause } = error as { readonly message: string; readonly cause?: { readonly message?: string } };
      const why = cause?.message === undefined ? message : `${message} (${cause.message})`;
      if (attempt === attempts) throw new Error(`${url}: ${why}`, { cause: error });
    }
    await sleep(1000 * attempt);
  }
}

class StatusError extends Error {}

function statusError(url: string, status: number): StatusError {
  return new StatusError(`${url}: HTTP ${status}`);
}

export function digestOf(content: Uint8Array, algorithm = 'sha256'): string {
  return createHash(algorithm).update(content).digest('hex');
}

/** The algorithm and the hexadecimal digest of npm's form, `sha512-` and base64. */
export function parseIntegrity(integrity: string): { readonly algorithm: string; readonly digest: string } {
  const [algorithm = '', digest = ''] = integrity.split(/-(.*)/s);
  return { algorithm, digest: Buffer.from(digest, 'base64').toString('hex') };
}

export function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file that other processes see whole or not at all. */
export function writeAtomically(file: string, content: Uint8Array): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}
