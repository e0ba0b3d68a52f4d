import { AckPolicy, DeliverPolicy, type JetStreamManager, type KV, nanos } from 'nats';
import type { PlannedConsumer } from '../../../lib/plan/flow-plan';
import type { RewindStart } from '../../controller/ports/streams';
import { floorKey, readFloorNote } from './keepers/floor-notes';
import { consumerConfig, countsFromKey } from './provision';
import { ignoreMissing } from './retry-request';

/** Inactivity after which the server deletes a consumer that was created to find a sequence. */
const lookupExpiryMs = 5_000;

/** A start that moves a consumer. */
type ReadStart = Exclude<RewindStart, { readonly from: 'letters' }>;

/**
 * Makes a durable consumer start at another position. The consumer is deleted and recreated: its start cannot be changed.
 *
 * I1. No unacked message is skipped: the new consumer starts at the latest after the ack floor of the old one. The floor is
 *     saved before the deletion, for a retry of a call that was interrupted after it. Of a consumer that somebody removed,
 *     the replicas have noted it.
 * I2. The consumer starts at a sequence for every kind of start, so that its configuration contains the sequence.
 */
export async function rewindConsumer(
  {
    manager,
    bucket,
    stateBucket,
  }: { readonly manager: JetStreamManager; readonly bucket: KV; readonly stateBucket: string },
  consumer: PlannedConsumer,
  start: ReadStart,
): Promise<void> {
  const { stream, durable } = consumer;
  const key = `rewinding.${stream}.${durable}`;
  const floor = await savedFloor(bucket, key, async () => {
    const info = await ignoreMissing(manager.consumers.info(stream, durable));
    const note = await readFloorNote(manager, stateBucket, consumer);
    return Math.max(info?.ack_floor.stream_seq ?? 0, note?.floor ?? 0);
  });
  const requested = await sequenceOf(manager, consumer, start);
  await ignoreMissing(manager.consumers.delete(stream, durable));
  await bucket.purge(floorKey(consumer)); // replicas skip what is below the noted floor
  await manager.consumers.add(stream, {
    ...consumerConfig(consumer),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.min(requested, floor + 1), // I1
  });
  await bucket.purge(key);
}

/** The sequence after which a consumer's acked records are counted: by default, the one before its first. */
export function startFloorOf(config: {
  readonly opt_start_seq?: number;
  readonly metadata?: { readonly [key: string]: string };
}): number {
  const counted = Number(config.metadata?.[countsFromKey]);
  return Math.max(0, Number.isNaN(counted) ? (config.opt_start_seq ?? 1) - 1 : counted);
}

async function savedFloor(bucket: KV, key: string, read: () => Promise<number>): Promise<number> {
  const saved = await bucket.get(key);
  if (saved !== null && saved.operation === 'PUT') return Number(saved.string());
  const floor = await read();
  await bucket.put(key, String(floor));
  return floor;
}

/** The first stored sequence at or after the start; the one after the last when there is none. */
async function sequenceOf(manager: JetStreamManager, consumer: PlannedConsumer, start: ReadStart): Promise<number> {
  const { stream } = consumer;
  if (start.from === 'time') return sequenceAt(manager, stream, start.time);
  const { state } = await manager.streams.info(stream);
  const first = start.from === 'first' ? 1 : start.sequence;
  return Math.min(Math.max(first, state.first_seq, 1), state.last_seq + 1);
}

/** The first sequence at or after a time, read from a temporary consumer that starts there. */
async function sequenceAt(manager: JetStreamManager, stream: string, time: string): Promise<number> {
  const { name, delivered } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: time,
    inactive_threshold: nanos(lookupExpiryMs),
    mem_storage: true,
  });
  await ignoreMissing(manager.consumers.delete(stream, name));
  return delivered.stream_seq + 1;
}
