import type { FlowPlan, PlannedBucket } from '../../../lib/plan/flow-plan';
import type { Buckets } from '../../controller/ports/streams';
import { S3ObjectStore } from './object-store';

export interface S3BucketsOptions {
  /** The store is ours, so what a flow reads is made there too. */
  readonly makesSources: boolean;
  /** How long a store may be away; left out, as long as object stores are waited for. */
  readonly retryForMs?: number;
}

/**
 * Buckets of flows in the object stores that their plans name. A store whose credentials are in a Secret of the cluster
 * is left to the pods, which have them.
 */
export class S3Buckets implements Buckets {
  constructor(private readonly options: S3BucketsOptions) {}

  async ensure(plan: FlowPlan): Promise<void> {
    const wanted = plan.buckets.filter(({ role }) => this.options.makesSources || role !== 'source');
    const unique = new Map(wanted.map((bucket) => [`${bucket.addr} ${bucket.bucket}`, bucket]));
    await Promise.all(
      [...unique.values()].map((bucket) => this.with(plan, bucket, (store) => store.ensureBucket(bucket.bucket))),
    );
  }

  async purge(plan: FlowPlan): Promise<void> {
    const stores = plan.buckets.filter(({ role }) => role === 'message-store');
    for (const bucket of stores) {
      await this.with(plan, bucket, async (store) => {
        // none was made yet, or somebody removed it: nothing is left there
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
