import { FunctionError } from '../../../lib/errors';
import type { Claim, ClaimSource, MessageStore } from '../../engine/claim';
import type { S3ObjectStore } from './object-store';

/** A message store in one bucket of an object store. */
export class S3MessageStore implements MessageStore {
  constructor(
    private readonly store: S3ObjectStore,
    private readonly bucket: string,
  ) {}

  async put(key: string, payload: Uint8Array): Promise<Claim> {
    await this.store.put(this.bucket, key, payload, 'avro/binary');
    return { bucket: this.bucket, key, bytes: payload.length };
  }
}

/** The message store of an upstream function: a bucket and a prefix. */
export interface ClaimStore {
  readonly store: Pick<S3ObjectStore, 'get'>;
  readonly bucket: string;
  readonly prefix: string;
}

/** Fetches payloads from the message stores of the upstream functions; readers need no setting of their own. */
export class S3ClaimSource implements ClaimSource {
  constructor(private readonly stores: readonly ClaimStore[]) {}

  async fetch({ bucket, key, bytes }: Claim): Promise<Uint8Array> {
    const found = this.stores.find((each) => each.bucket === bucket && key.startsWith(each.prefix));
    if (found === undefined) {
      throw new FunctionError('config-invalid', `no upstream message store contains ${bucket}/${key}`);
    }
    const payload = await found.store.get(bucket, key);
    if (payload.length === bytes) return payload;
    throw new FunctionError(
      'record-invalid',
      `${bucket}/${key} has ${payload.length} bytes, the record's claim ${bytes}`,
    );
  }
}
