import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import type { FlowPlan, PlannedBucket } from '../../../../lib/plan/flow-plan';
import { saveBucket, uploadDirectory } from '../../../adapters/s3/directory-transfer';
import { S3ObjectStore } from '../../../adapters/s3/object-store';
import { bucketAccount } from '../../../adapters/s3/s3-buckets';
import { usageError } from '../../frame/exit-status';
import { counted } from '../../render/measures';

/** A bucket and a directory on this machine. */
export interface DirectoryMap {
  readonly bucket: string;
  readonly directory: string;
}

/** Throws CommandError unless the directory to fill a bucket from exists. */
export function assertReadable({ bucket, directory }: DirectoryMap): void {
  if (existsSync(directory) && statSync(directory).isDirectory()) return;
  throw usageError(`--bucket ${bucket}=${directory}: no such directory`);
}

/** Creates the directory to save a bucket into. Throws CommandError when the directory is not writable. */
export function makeWritable({ bucket, directory }: DirectoryMap): void {
  try {
    makeDirectory(path.resolve(directory));
    if (!statSync(directory).isDirectory()) throw new Error('not a directory');
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw usageError(`--save ${bucket}=${directory}: cannot write to the directory: ${(error as Error).message}`);
  }
}

/** The buckets of a planned flow, copied from and to directories. */
export class LocalBuckets {
  constructor(
    private readonly plan: FlowPlan,
    private readonly say: (line: string) => void,
    /** How long a call is retried while a store is away, before the flow starts. */
    private readonly fillAwayMs: number,
  ) {}

  /** Throws CommandError for the first bucket that the topology does not have. */
  assertKnown(option: string, maps: readonly DirectoryMap[]): void {
    for (const { bucket } of maps) this.named(option, bucket);
  }

  async fill(maps: readonly DirectoryMap[]): Promise<void> {
    for (const { bucket, directory } of maps) {
      const store = this.storeOf(this.named('--bucket', bucket), { retryForMs: this.fillAwayMs });
      const { objects, skipped } = await uploadDirectory(store, { bucket, directory });
      for (const reason of skipped) this.say(`skipped for the bucket ${bucket}: ${reason}`);
      this.say(`bucket ${bucket}: copied ${counted(objects, 'object')} from ${directory}`);
    }
  }

  /** Copies a bucket into a directory and returns the number of objects. */
  async save({ bucket, directory }: DirectoryMap): Promise<number> {
    const store = this.storeOf(this.named('--save', bucket));
    const { objects, skipped } = await saveBucket(store, { bucket, directory });
    for (const reason of skipped) this.say(`skipped: ${reason}`);
    return objects;
  }

  /** The buckets of sinks, with the number of their objects. */
  async results(): Promise<{ bucket: string; objects: number }[]> {
    const sinks = new Map(
      this.plan.buckets.filter(({ role }) => role === 'sink').map((sink) => [sink.bucket, sink] as const),
    );
    return Promise.all(
      [...sinks.values()].map(async (sink) => {
        let objects = 0;
        for await (const _ of this.storeOf(sink).list(sink.bucket, sink.prefix)) objects++;
        return { bucket: sink.bucket, objects };
      }),
    );
  }

  private storeOf(bucket: PlannedBucket, options: { readonly retryForMs?: number } = {}): S3ObjectStore {
    const account = bucketAccount(this.plan, bucket);
    if (account !== undefined) return new S3ObjectStore({ ...account, ...options });
    const { addr, secret } = bucket;
    const message = `${addr}: the Secret ${secret} exists only in a cluster; set user and password`;
    throw new ConfigError('config-invalid', message);
  }

  private named(option: string, name: string): PlannedBucket {
    const { buckets } = this.plan;
    const found = buckets.find(({ bucket }) => bucket === name);
    if (found !== undefined) return found;
    const known = [...new Set(buckets.map(({ bucket }) => bucket))].join(', ');
    throw usageError(`${option} ${name}: no such bucket in the topology; its buckets: ${known || 'none'}`);
  }
}

/** Creates a directory level by level: with `recursive`, Node loops forever below /proc. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  mkdirSync(directory);
}
