import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StoreError } from '../../../lib/errors';
import type { S3ObjectStore } from '../s3/object-store';

/** An object store whose buckets are folders of this machine. */
export class FolderStore implements Pick<S3ObjectStore, 'download'> {
  constructor(private readonly folders: { readonly [bucket: string]: string }) {}

  async download(bucket: string, key: string, file: string): ReturnType<S3ObjectStore['download']> {
    const folder = this.folders[bucket];
    const source = folder === undefined ? undefined : path.resolve(folder, key);
    if (folder === undefined || source === undefined) throw missing(`no folder stands for the bucket ${bucket}`);
    if (!source.startsWith(path.resolve(folder) + path.sep)) throw missing(`${bucket}/${key}: not in the folder`);
    try {
      const content = readFileSync(source);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      return {
        size: content.length,
        lastModifiedMs: Math.floor(statSync(source).mtimeMs),
        etag: createHash('md5').update(content).digest('hex'),
        contentType: undefined,
        custom: {},
      };
    } catch (cause) {
      throw missing(`${bucket}/${key}: ${(cause as Error).message}`, cause);
    }
  }
}

function missing(message: string, cause?: unknown): StoreError {
  return new StoreError('store-failed', message, { cause });
}
