import type { JetStreamManager } from 'nats';
import { ignoreMissing, retryRequest } from '../retry-request';

/** A part of a stream: the messages of a subject after a sequence. `last` is the last sequence of the stream, or an earlier one. */
interface StreamPart {
  readonly stream: string;
  readonly subject: string;
  readonly after: number;
  readonly last: number;
}

/**
 * The last sequence up to which a part of a stream has no message. It is read from the leader of the stream: what a consumer
 * knows of messages to come may be older.
 */
export async function emptyUpTo(
  manager: JetStreamManager,
  { stream, subject, after, last }: StreamPart,
): Promise<number> {
  if (after >= last) return after;
  const query = { seq: after + 1, next_by_subj: subject };
  const next = await retryRequest(() => ignoreMissing(manager.streams.getMessage(stream, query)));
  return next === undefined ? last : next.seq - 1;
}
