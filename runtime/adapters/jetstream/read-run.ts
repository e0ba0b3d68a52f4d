import type { JetStreamManager } from 'nats';
import { ignoreMissing } from './retry-request';

/** The value of a key in a KV bucket, from the leader of the bucket's stream; undefined without key or bucket. */
export async function readKey(manager: JetStreamManager, bucket: string, key: string): Promise<string | undefined> {
  const last = { last_by_subj: `$KV.${bucket}.${key}` };
  const found = await ignoreMissing(manager.streams.getMessage(`KV_${bucket}`, last));
  return found === undefined || found.data.length === 0 ? undefined : Buffer.from(found.data).toString();
}

/** The keys in a KV bucket that a filter matches, as in `drift.>`; undefined without the bucket. */
export async function readKeys(
  manager: JetStreamManager,
  bucket: string,
  filter: string,
): Promise<readonly string[] | undefined> {
  const prefix = `$KV.${bucket}.`;
  const options = { subjects_filter: `${prefix}${filter}` };
  const info = await ignoreMissing(manager.streams.info(`KV_${bucket}`, options));
  if (info === undefined) return undefined;
  return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}

/** Sequence of the last dead letter that belongs to an earlier run of a flow; 0 in the first run. */
export async function lettersBefore(manager: JetStreamManager, stateBucket: string): Promise<number> {
  const run = (await readKey(manager, stateBucket, 'run')) ?? '1';
  return Number((await readKey(manager, stateBucket, `letters.${run}`)) ?? 0);
}
