import { existsSync, mkdirSync, statSync } from 'node:fs';
import { ConfigError, StateError } from '../../../../lib/errors';
import { saveBucket, type TransferCounts, uploadDirectory } from '../../../adapters/s3/directory-transfer';
import { S3ObjectStore } from '../../../adapters/s3/object-store';
import { findStack } from './find-stack';

/** `kflow bucket put`: fills a bucket of the stack's object store from a folder; the bucket is made when it is missing. */
export async function putBucket(bucket: string, directory: string): Promise<number> {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new ConfigError('config-invalid', `${directory}: there is no such directory`);
  }
  return withStore(async (store) => {
    await store.ensureBucket(bucket);
    report(await uploadDirectory(store, { bucket, directory }), `from ${directory} are in the bucket ${bucket}`);
  });
}

/** `kflow bucket get`: copies a bucket's objects into a folder, which is made when it is missing. */
export async function getBucket(bucket: string, directory: string): Promise<number> {
  return withStore(async (store) => {
    await assertBucket(store, bucket);
    mkdirSync(directory, { recursive: true });
    report(await saveBucket(store, { bucket, directory }), `of the bucket ${bucket} are in ${directory}`);
  });
}

/** `kflow bucket list`: the buckets, or the objects of one: size in bytes, time and key. */
export async function listBucket(bucket: string | undefined): Promise<number> {
  return withStore(async (store) => {
    if (bucket === undefined) {
      for (const name of await store.buckets()) process.stdout.write(`${name}\n`);
      return;
    }
    await assertBucket(store, bucket);
    for await (const { key, size, lastModifiedMs } of store.list(bucket)) {
      process.stdout.write(`${String(size).padStart(12)}  ${new Date(lastModifiedMs).toISOString()}  ${key}\n`);
    }
  });
}

async function withStore(work: (store: S3ObjectStore) => Promise<void>): Promise<number> {
  const stack = await findStack('.');
  if (stack === undefined) {
    throw new StateError('state-invalid', 'no stack runs here, or in a folder above; `kflow up --detach` starts one');
  }
  const { endpoint, user, password } = stack.s3;
  const store = new S3ObjectStore({ addr: endpoint, user, password });
  try {
    await work(store);
  } finally {
    await store.close();
  }
  return 0;
}

async function assertBucket(store: S3ObjectStore, bucket: string): Promise<void> {
  if (await store.bucketExists(bucket)) return;
  const known = (await store.buckets()).join(', ');
  throw new ConfigError('config-invalid', `there is no bucket "${bucket}"; there are: ${known || 'none'}`);
}

function report({ objects, bytes, skipped }: TransferCounts, where: string): void {
  for (const reason of skipped) process.stderr.write(`left out: ${reason}\n`);
  process.stderr.write(`${objects} objects (${bytes} bytes) ${where}\n`);
}
