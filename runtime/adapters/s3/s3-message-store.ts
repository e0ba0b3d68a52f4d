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

/** Gives back what the upstream functions stored, by bucket; readers need no setting of their own. */
export class S3ClaimSource implements ClaimSource {
  constructor(private readonly stores: ReadonlyMap<string, S3ObjectStore>) {}

  async fetch(claim: Claim): Promise<Uint8Array> {
    const store = this.stores.get(claim.bucket);
    if (store === undefined) {
      throw new FunctionError(
        'config-invalid',
        `no message store is known for the bucket ${claim.bucket} that a message names`,
      );
    }
    return store.get(claim.bucket, claim.key);
  }
}
