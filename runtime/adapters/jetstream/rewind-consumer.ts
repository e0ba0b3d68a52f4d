import { AckPolicy, DeliverPolicy, type JetStreamManager, type KV, nanos } from 'nats';
import type { PlannedConsumer } from '../../../lib/plan/flow-plan';
import type { RewindStart } from '../../controller/ports/streams';
import { consumerConfig, ignoreMissing } from './provision';

/** How long a consumer that only finds a sequence is kept, should its deletion get lost. */
const lookUpMs = 5_000;

/**
 * Has a durable begin elsewhere: it is deleted and made anew, since a consumer's start cannot be changed.
 *
 * I1. Nothing that was not acked is passed over: it begins at the latest behind the ack floor of the present consumer.
 *     That is noted before the deletion, for a repeat of a call that was cut off after it.
 * I2. It begins at a sequence, whatever was asked for, so that its configuration tells where that was.
 */
export async function rewindConsumer(
  { manager, bucket }: { readonly manager: JetStreamManager; readonly bucket: KV },
  consumer: PlannedConsumer,
  start: RewindStart,
): Promise<void> {
  const { stream, durable } = consumer;
  const note = `rewinding.${stream}.${durable}`;
  const floor = await notedFloor(bucket, note, async () => {
    const info = await ignoreMissing(manager.consumers.info(stream, durable));
    return info?.ack_floor.stream_seq ?? 0;
  });
  const asked = await sequenceOf(manager, consumer, start);
  await ignoreMissing(manager.consumers.delete(stream, durable));
  await manager.consumers.add(stream, {
    ...consumerConfig(consumer),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.min(asked, floor + 1), // I1
  });
  await bucket.purge(note);
}

/** The sequence before the first one that a consumer was made to deliver. */
export function startFloorOf(config: { readonly opt_start_seq?: number }): number {
  return Math.max(0, (config.opt_start_seq ?? 1) - 1);
}

async function notedFloor(bucket: KV, note: string, read: () => Promise<number>): Promise<number> {
  const noted = await bucket.get(note);
  if (noted !== null && noted.operation === 'PUT') return Number(noted.string());
  const floor = await read();
  await bucket.put(note, String(floor));
  return floor;
}

/** The first sequence that is there and not before the start; behind the last one when there is none. */
async function sequenceOf(manager: JetStreamManager, consumer: PlannedConsumer, start: RewindStart): Promise<number> {
  const { stream } = consumer;
  if (start.from === 'time') return sequenceAt(manager, stream, start.time);
  const { state } = await manager.streams.info(stream);
  const wanted = start.from === 'first' ? 1 : start.sequence;
  return Math.min(Math.max(wanted, state.first_seq, 1), state.last_seq + 1);
}

/** What the server makes of a time, told by a consumer that begins there. */
async function sequenceAt(manager: JetStreamManager, stream: string, time: string): Promise<number> {
  const { name, delivered } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: time,
    inactive_threshold: nanos(lookUpMs),
    mem_storage: true,
  });
  await ignoreMissing(manager.consumers.delete(stream, name));
  return delivered.stream_seq + 1;
}
