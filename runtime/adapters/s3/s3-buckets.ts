import type { FlowPlan, PlannedBucket } from '../../../lib/plan/flow-plan';
import type { Buckets } from '../../controller/ports/streams';
import { S3ObjectStore } from './object-store';

export interface S3BucketsOptions {
  /** Also creates the buckets that flows read from, as in an embedded store. */
  readonly makesSources: boolean;
  /** How long calls are retried while a store is unavailable. Default: that of `S3ObjectStore`. */
  readonly retryForMs?: number;
}

/**
 * Creates and empties the buckets of flows. Skips stores whose credentials are in a Secret of the cluster, which only the
 * pods can read.
 */
export class S3Buckets implements Buckets {
  constructor(private readonly options: S3BucketsOptions) {}

  async ensure(plan: FlowPlan): Promise<void> {
    const buckets = plan.buckets.filter(({ role }) => this.options.makesSources || role !== 'source');
    const unique = new Map(buckets.map((bucket) => [`${bucket.addr} ${bucket.bucket}`, bucket]));
    await Promise.all(
      [...unique.values()].map((bucket) => this.with(plan, bucket, (store) => store.ensureBucket(bucket.bucket))),
    );
  }

  async purge(plan: FlowPlan): Promise<void> {
    const stores = plan.buckets.filter(({ role }) => role === 'message-store');
    for (const bucket of stores) {
      await this.with(plan, bucket, async (store) => {
        // the bucket was never created, or was deleted
        if (await store.bucketExists(bucket.bucket)) await store.deletePrefix(bucket.bucket, bucket.prefix);
      });
    }
  }

  private async with(
    plan: FlowPlan,
    { addr, secret }: PlannedBucket,
    action: (store: S3ObjectStore) => Promise<unknown>,
  ): Promise<void> {
    const { user, password } = plan.secrets.find(({ name }) => name === secret)?.entries ?? {};
    if (user === undefined || password === undefined) return;
    const { retryForMs } = this.options;
    const store = new S3ObjectStore({ addr, user, password, ...(retryForMs === undefined ? {} : { retryForMs }) });
    try {
      await action(store);
    } finally {
      await store.close();
    }
  }
}
