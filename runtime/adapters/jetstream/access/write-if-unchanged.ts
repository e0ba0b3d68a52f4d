import { type KV, NatsError } from 'nats';
import { pause } from '../../../async/pause';

/** JetStream's error codes of a write that expected another last one; a bucket with replicas answers with the second. */
const wrongSequences: readonly (number | undefined)[] = [10_071, 10_164];
const retryMs = 50;
const maxAttempts = 100;

/**
 * Writes a value if the last write of its key is still the one with `revision`; 0: there is none. Resolves with the new
 * revision; undefined when another write was faster. A repeated write finds the value that an earlier attempt has stored.
 * Throws errors of the request unchanged.
 */
export async function writeIfUnchanged(
  values: KV,
  { key, value, revision }: { readonly key: string; readonly value: string; readonly revision: number },
): Promise<number | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await (revision === 0 ? values.create(key, value) : values.update(key, value, revision));
    } catch (error) {
      const isOther = error instanceof NatsError && wrongSequences.includes(error.api_error?.err_code);
      if (!isOther || attempt === maxAttempts) throw error;
    }
    const last = await values.get(key);
    if (last?.operation === 'PUT' && last.string() === value) return last.revision;
    if ((last?.revision ?? 0) !== revision) return undefined;
    await pause(retryMs); // the other write is accepted, but not stored yet
  }
}
