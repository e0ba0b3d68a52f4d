import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StoreError } from '../../../lib/errors';
import { Limit } from '../../async/limit';
import type { ListedObject, S3ObjectStore } from './object-store';

const defaultConcurrency = 16;

export interface TransferOptions {
  /** Objects transferred concurrently. Default: 16. */
  readonly concurrency?: number;
}

/** The result of a transfer. `skipped` contains the skipped entries, each with the reason. */
export interface TransferCounts {
  /** Objects at the target, including identical ones that were there before. */
  readonly objects: number;
  readonly bytes: number;
  readonly skipped: readonly string[];
}

interface LocalFile {
  readonly key: string;
  readonly path: string;
  readonly size: number;
}

/**
 * Uploads every file below a directory; the key is the relative path, with slashes. Objects with the same size and MD5 are
 * not uploaded again and keep their time. Links to files are followed, links to directories are skipped. The bucket must
 * exist.
 */
export async function uploadDirectory(
  store: S3ObjectStore,
  target: { readonly bucket: string; readonly directory: string },
  options: TransferOptions = {},
): Promise<TransferCounts> {
  const skipped: string[] = [];
  let [objects, bytes] = [0, 0];
  const present = new Map<string, ListedObject>();
  for await (const object of store.list(target.bucket)) present.set(object.key, object);
  await new Limit(options.concurrency ?? defaultConcurrency).map(
    filesBelow(target.directory, skipped),
    async (file) => {
      const same = present.get(file.key);
      const isThere = same?.size === file.size && same.etag === (await md5Of(file.path));
      if (!isThere) await store.upload(target.bucket, file.key, file.path);
      objects += 1;
      bytes += file.size;
    },
  );
  return { objects, bytes, skipped };
}

/**
 * Downloads every object of a bucket to a file below a directory. Throws StoreError with the keys, and downloads nothing,
 * when a key is a path outside the directory or names both a file and a folder. Keys that end with a slash are folder
 * markers and are skipped.
 */
export async function saveBucket(
  store: S3ObjectStore,
  source: { readonly bucket: string; readonly directory: string },
  options: TransferOptions = {},
): Promise<TransferCounts> {
  const listed = new Map<string, ListedObject>();
  const skipped: string[] = [];
  for await (const object of store.list(source.bucket)) {
    if (object.key.endsWith('/')) skipped.push(`${object.key}: a folder marker`);
    else listed.set(object.key, object);
  }
  assertSavable(source.bucket, new Set(listed.keys()));
  let bytes = 0;
  await new Limit(options.concurrency ?? defaultConcurrency).map(listed.values(), async (object) => {
    const { size, etag } = await store.download(source.bucket, object.key, join(source.directory, object.key));
    // with another etag, the object was overwritten after it was listed
    if (size !== object.size && etag === object.etag) {
      const where = `${source.bucket}/${object.key}`;
      const message = `${where}: the object has ${size} bytes, and is listed with ${object.size}`;
      throw new StoreError('store-failed', message, { where });
    }
    bytes += size;
  });
  return { objects: listed.size, bytes, skipped };
}

function assertSavable(bucket: string, keys: ReadonlySet<string>): void {
  const problems: string[] = [];
  for (const key of keys) {
    const parts = key.split('/');
    if (key.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..')) {
      problems.push(`"${key}" is not a path below a directory`);
      continue;
    }
    const parent = parts.map((_, index) => parts.slice(0, index).join('/')).find((path) => keys.has(path));
    if (parent !== undefined) problems.push(`"${parent}" is both a file and the folder of "${key}"`);
  }
  if (problems.length === 0) return;
  const message = `cannot save bucket ${bucket} as files: ${problems.join('; ')}`;
  throw new StoreError('store-failed', message, { where: bucket });
}

/** The etag that S3 assigns to an object uploaded in one part. */
async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function* filesBelow(directory: string, skipped: string[], prefix = ''): AsyncGenerator<LocalFile> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const key = `${prefix}${entry.name}`;
    if (entry.isDirectory()) {
      yield* filesBelow(directory, skipped, `${key}/`);
      continue;
    }
    const size = await fileSize(join(directory, key), entry);
    if (size === undefined) skipped.push(`${key}: not a file`);
    else yield { key, path: join(directory, key), size };
  }
}

/** Size of a file, or of the file that a link names; undefined for everything else, including broken links. */
async function fileSize(path: string, entry: Dirent): Promise<number | undefined> {
  if (!entry.isFile() && !entry.isSymbolicLink()) return undefined;
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
