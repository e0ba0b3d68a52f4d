import { DeliverPolicy, type NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { recordIdOf } from '../../engine/letters/source-letters';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { ignoreMissing, retryRequest } from './retry-request';

/** Ids read with one request, and its timeout. */
const batch = { max_messages: 5_000, expires: 5_000 };

/** Where to begin: after a sequence, or at a time of the server, ms since 1970. */
export type IdsStart = { readonly after: number } | { readonly sinceMs: number };

/** Reads the message ids of a stream, without the messages, in their order; of one subject, if there is a filter. */
export async function readIds(
  connection: NatsConnection,
  { stream, subject, start }: { readonly stream: string; readonly subject?: string; readonly start: IdsStart },
  read: (id: string) => void,
): Promise<void> {
  const from =
    'after' in start
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.after + 1 }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.sinceMs).toISOString() };
  const options = { ...from, headers_only: true, ...(subject === undefined ? {} : { filterSubjects: subject }) };
  const consumer = await jetStreamOf(connection).consumers.get(stream, options);
  // checked before each batch: pending messages may have been trimmed
  while ((await consumer.info()).num_pending > 0) {
    for await (const message of await consumer.fetch({ ...batch })) {
      read(message.headers?.get('Nats-Msg-Id') ?? '');
      if (message.info.pending === 0) break;
    }
  }
  await consumer.delete();
}

/** More records than a replica can have stored and not noted: those in flight, and some seconds' worth. */
const recentOfReplica = 20_000;

/** The ids of the last records of a source: those in its main output, and those that are dead letters. */
export async function readRecentIds(
  connection: NatsConnection,
  { output, deadLetters, replicas }: Pick<FunctionSpec, 'output' | 'deadLetters' | 'replicas'>,
): Promise<readonly string[]> {
  const last = recentOfReplica * replicas;
  const stored = output === undefined ? [] : await readLastIds(connection, { stream: output.stream, last });
  const letters = await readLastIds(connection, { ...deadLetters, last });
  return [...stored, ...letters.map(recordIdOf)];
}

/** The message ids of one subject, or of all, among the last messages of a stream. */
async function readLastIds(
  connection: NatsConnection,
  { last, ...from }: { readonly stream: string; readonly subject?: string; readonly last: number },
): Promise<readonly string[]> {
  const manager = await managerOf(connection);
  const info = await retryRequest(() => ignoreMissing(manager.streams.info(from.stream)));
  if (info === undefined || info.state.messages === 0) return [];
  const after = Math.max(info.state.first_seq - 1, info.state.last_seq - last);
  return retryRequest(async () => {
    const ids: string[] = [];
    await readIds(connection, { ...from, start: { after } }, (id) => ids.push(id));
    return ids;
  });
}
