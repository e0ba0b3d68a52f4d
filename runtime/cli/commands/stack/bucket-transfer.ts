import { existsSync, mkdirSync, statSync } from 'node:fs';
import { ConfigError, StateError } from '../../../../lib/errors';
import { saveBucket, type TransferCounts, uploadDirectory } from '../../../adapters/s3/directory-transfer';
import { S3ObjectStore } from '../../../adapters/s3/object-store';
import { usageError } from '../../frame/exit-status';
import { findStack } from '../../local-stack/find-stack';
import { counted } from '../../render/measures';
import { say } from '../../terminal/output';

/** Copies a directory into a bucket of the stack's object store; the bucket is created if missing. */
export async function putBucket(bucket: string, directory: string): Promise<void> {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw usageError(`${directory}: no such directory`);
  }
  await withStore(async (store) => {
    await store.ensureBucket(bucket);
    report(await uploadDirectory(store, { bucket, directory }), `from ${directory} to the bucket ${bucket}`);
  });
}

/** Copies the objects of a bucket into a directory, which is created if missing. */
export async function getBucket(bucket: string, directory: string): Promise<void> {
  await withStore(async (store) => {
    await assertBucket(store, bucket);
    mkdirSync(directory, { recursive: true });
    report(await saveBucket(store, { bucket, directory }), `from the bucket ${bucket} to ${directory}`);
  });
}

/** Lists the buckets, or the objects of one: size in bytes, time and key. */
export async function listBucket(bucket: string | undefined): Promise<void> {
  await withStore(async (store) => {
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

async function withStore(work: (store: S3ObjectStore) => Promise<void>): Promise<void> {
  const stack = await findStack('.');
  if (stack === undefined) {
    throw new StateError(
      'state-invalid',
      'no stack is running here or in a parent folder; start one with kflow up --detach',
    );
  }
  const { endpoint, user, password } = stack.s3;
  const store = new S3ObjectStore({ addr: endpoint, user, password });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

async function assertBucket(store: S3ObjectStore, bucket: string): Promise<void> {
  if (await store.bucketExists(bucket)) return;
  const known = (await store.buckets()).join(', ');
  throw new ConfigError('config-invalid', `no such bucket: "${bucket}"; buckets: ${known || 'none'}`);
}

function report({ objects, bytes, skipped }: TransferCounts, where: string): void {
  for (const reason of skipped) say(`skipped: ${reason}`);
  say(`copied ${counted(objects, 'object')} (${counted(bytes, 'byte')}) ${where}`);
}
