import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { FunctionError } from '../../../lib/errors';
import type { Download, Log, LogSubject, SchemaSource } from '../../engine/ports/host';
import type { Downloads } from '../../engine/preparation';
import { RecordCodecs } from '../../engine/record-codecs';
import type { S3ObjectStore } from './object-store';

export interface DownloadOptions {
  readonly store: Pick<S3ObjectStore, 'download'>;
  readonly schemas: SchemaSource;
  /** Default: a folder with the host's name below the system's temporary folder. */
  readonly directory?: string;
  /** KFLOW_SKIP_DOWNLOAD_ERROR: a failed download is logged, and the record is processed without a file. */
  readonly isFailureSkipped: boolean;
  readonly log: Log;
}

/** Downloads the object that a record names in its fields `bucket` and `key`, each to a folder of its own. */
export class ObjectDownloads implements Downloads {
  private readonly codecs: RecordCodecs;

  constructor(private readonly options: DownloadOptions) {
    this.codecs = new RecordCodecs(options.schemas);
  }

  async fetch(payload: Uint8Array, about?: LogSubject): Promise<Download> {
    const codec = await this.codecs.of(payload);
    const { bucket, key } = codec.decode(payload) as { bucket?: unknown; key?: unknown };
    try {
      if (typeof bucket !== 'string' || typeof key !== 'string') {
        throw new FunctionError(
          'record-invalid',
          'automatic download requires the fields bucket and key in the input record',
        );
      }
      return await this.download(bucket, key, about);
    } catch (error) {
      if (!this.options.isFailureSkipped) throw error;
      this.options.log('WARNING', `download failed, skipped: ${error}`, about);
      return { path: null, metadata: null };
    }
  }

  async discard(download: Download): Promise<void> {
    if (download.path !== null) await rm(path.dirname(download.path), { recursive: true, force: true });
  }

  private async download(bucket: string, key: string, about: LogSubject | undefined): Promise<Download> {
    const folder = path.join(this.options.directory ?? path.join(tmpdir(), hostname()), randomUUID());
    await mkdir(folder, { recursive: true });
    // the last part of the key keeps the extension; characters that a file name cannot contain are replaced
    const name =
      path
        .basename(key)
        .replace(/[^\w.\-+ ]/g, '_')
        .slice(-120) || 'object';
    const file = path.join(folder, name);
    try {
      const metadata = await this.options.store.download(bucket, key, file, about);
      return { path: file, metadata: { bucket, ...metadata } };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}
