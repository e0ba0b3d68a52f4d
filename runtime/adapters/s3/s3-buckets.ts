import { existsSync } from 'node:fs';
import { ConfigError } from '../../../lib/errors';
import type { FlowPlan, PlannedBucket } from '../../../lib/plan/flow-plan';
import type { Buckets, StepStores } from '../../controller/ports/streams';
import type { Claim } from '../../engine/claim';
import { S3ObjectStore } from './object-store';
import { isPem, type S3Account } from './s3-clients';

export interface S3BucketsOptions {
  /** Also creates the buckets that flows read from, as in an embedded store. */
  readonly makesSources: boolean;
  /** The functions run in the environment of this process, so `auth: environment` means the same here. */
  readonly sharesEnvironment?: true;
  /** How long calls are retried while a store is unavailable. Default: that of `S3ObjectStore`. */
  readonly retryForMs?: number;
}

/** The account of a planned bucket; undefined if the credentials exist only in a Secret of a cluster. */
export function bucketAccount(plan: Pick<FlowPlan, 'secrets'>, bucket: PlannedBucket): S3Account | undefined {
  const { addr, secret, region, ca, pathStyle } = bucket;
  const place = { addr, region, ca, pathStyle };
  if (secret === undefined) return place;
  const { user, password, sessionToken } = plan.secrets.find(({ name }) => name === secret)?.entries ?? {};
  return user === undefined || password === undefined ? undefined : { ...place, user, password, sessionToken };
}

/** Whether the file of a CA exists only where the functions run. */
function isFileElsewhere(ca: string | undefined): boolean {
  return ca !== undefined && !isPem(ca) && !existsSync(ca);
}

/**
 * Creates and empties the buckets of flows. Skips stores that only the pods can reach: their credentials are in a Secret of
 * the cluster or in the environment of the pods, or their CA is in a file of the pods.
 */
export class S3Buckets implements Buckets, StepStores {
  constructor(private readonly options: S3BucketsOptions) {}

  async ensure(plan: FlowPlan): Promise<void> {
    const buckets = plan.buckets.filter(({ role }) => this.options.makesSources || role !== 'source');
    const unique = new Map(buckets.map((bucket) => [`${bucket.addr} ${bucket.bucket}`, bucket]));
    await Promise.all(
      [...unique.values()].map((bucket) => this.with(plan, bucket, (store) => store.ensureBucket(bucket.bucket))),
    );
  }

  async purge(plan: FlowPlan): Promise<void> {
    const stores = plan.buckets.filter(({ role }) => role === 'message-store' || role === 'dev-store');
    for (const bucket of stores) {
      await this.with(plan, bucket, async (store) => {
        // the bucket was never created, or was deleted
        if (await store.bucketExists(bucket.bucket)) await store.deletePrefix(bucket.bucket, bucket.prefix);
      });
    }
  }

  open(plan: Pick<FlowPlan, 'secrets'>): ReturnType<StepStores['open']> {
    const opened = new Map<PlannedBucket, S3ObjectStore>();
    return {
      of: (bucket) => {
        const store = opened.get(bucket) ?? this.storeOf(plan, bucket);
        if (store === undefined) {
          const message = `${bucket.addr}: only the pods of the flow know how to log in there; put objects into the inDir of a function with a client of your own`;
          throw new ConfigError('setting-missing', message);
        }
        opened.set(bucket, store);
        return store;
      },
      close: async () => {
        await Promise.all([...opened.values()].map((store) => store.close()));
      },
    };
  }

  async fetch(plan: FlowPlan, { bucket, key }: Claim): Promise<Uint8Array | undefined> {
    const isHolder = (each: PlannedBucket) =>
      each.role === 'message-store' && each.bucket === bucket && key.startsWith(each.prefix);
    const holder = plan.buckets.find(isHolder);
    return holder === undefined ? undefined : this.with(plan, holder, (store) => store.get(bucket, key));
  }

  private storeOf(plan: Pick<FlowPlan, 'secrets'>, bucket: PlannedBucket): S3ObjectStore | undefined {
    const account = bucketAccount(plan, bucket);
    const { retryForMs, sharesEnvironment } = this.options;
    const isOfPods = bucket.secret === undefined && sharesEnvironment !== true;
    if (account === undefined || isOfPods || isFileElsewhere(bucket.ca)) return undefined;
    return new S3ObjectStore({ ...account, ...(retryForMs === undefined ? {} : { retryForMs }) });
  }

  private async with<T>(
    plan: FlowPlan,
    bucket: PlannedBucket,
    action: (store: S3ObjectStore) => Promise<T>,
  ): Promise<T | undefined> {
    const store = this.storeOf(plan, bucket);
    if (store === undefined) return undefined;
    try {
      return await action(store);
    } finally {
      await store.close();
    }
  }
}
