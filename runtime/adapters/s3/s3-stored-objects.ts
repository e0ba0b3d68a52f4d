import { ConfigError, KFlowError } from '../../../lib/errors';
import type { StoredObjects } from '../../controller/executions/ports/stored-objects';
import { S3ObjectStore } from './object-store';
import type { S3Account } from './s3-clients';

interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** Texts in one S3 service. */
export class S3StoredObjects implements StoredObjects {
  private readonly store: S3ObjectStore | undefined;

  constructor(account: S3Account | undefined, retryForMs: number) {
    this.store = account && new S3ObjectStore({ ...account, retryForMs });
  }

  get(uri: string): Promise<string> {
    return this.call(uri, async (store, { bucket, key }) => Buffer.from(await store.get(bucket, key)).toString());
  }

  put(uri: string, text: string, contentType: string): Promise<void> {
    return this.call(uri, (store, { bucket, key }) => store.put(bucket, key, Buffer.from(text), contentType));
  }

  async close(): Promise<void> {
    await this.store?.close();
  }

  private async call<T>(uri: string, work: (store: S3ObjectStore, place: Place) => Promise<T>): Promise<T> {
    const place = placeOf(uri);
    if (this.store === undefined) {
      const message = `${uri}: the controller has no object store; set s3.default in its settings`;
      throw new ConfigError('setting-missing', message, { where: uri });
    }
    try {
      return await work(this.store, place);
    } catch (cause) {
      if (!(cause instanceof KFlowError) || cause.detail.isFinal !== true) throw cause;
      throw new ConfigError('config-invalid', cause.message, { cause, where: uri });
    }
  }
}

function placeOf(uri: string): Place {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  throw new ConfigError('config-invalid', `uri: expected s3://BUCKET/KEY, got ${JSON.stringify(uri)}`);
}
