import type { JetStreamManager } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { type ConsumerRef, consumersOf } from '../../../../lib/plan/partitions';
import type { ConsumerProgress } from '../../../engine/completion';
import { ignoreMissing, retryRequest } from '../retry-request';
import { consumerProgress } from '../stream-trimmer';
import { emptyUpTo } from './empty-up-to';

type Input = Pick<FunctionSpec['inputs'][number], 'stream' | 'durable' | 'subject' | 'partitions'>;

/** The progress of an input, over all of its partitions if it has some; undefined while a consumer does not exist. */
export async function inputProgress(manager: JetStreamManager, input: Input): Promise<ConsumerProgress | undefined> {
  const consumers = consumersOf(input);
  const [first, ...others] = await Promise.all(
    consumers.map(({ stream, durable }) => ignoreMissing(consumerProgress(manager, stream, durable))),
  );
  if (input.partitions === undefined || first === undefined) return first;
  const all = [first, ...others].filter((progress) => progress !== undefined);
  if (all.length < consumers.length) return undefined;
  const sum = (count: (progress: ConsumerProgress) => number) => all.reduce((total, each) => total + count(each), 0);
  const progress = {
    ackFloor: Math.min(...all.map(({ ackFloor }) => ackFloor)),
    delivered: Math.min(...all.map(({ delivered }) => delivered)),
    ackPending: sum(({ ackPending }) => ackPending),
    pending: sum(({ pending }) => pending),
  };
  if (progress.pending > 0) return progress;
  return { ...progress, delivered: await deliveredUpTo(manager, { stream: input.stream, consumers, all }) };
}

/**
 * Every message of an input up to this sequence is acked; undefined while a consumer does not exist. A partition without new
 * messages does not keep those of others: its floor is below its next message.
 */
export async function ackFloorOf(manager: JetStreamManager, input: Input): Promise<number | undefined> {
  const { stream } = input;
  if (input.partitions === undefined) return (await inputProgress(manager, input))?.ackFloor;
  const { state } = await retryRequest(() => manager.streams.info(stream));
  const floors = await Promise.all(
    consumersOf(input).map(async ({ durable, subject }) => {
      const progress = await ignoreMissing(consumerProgress(manager, stream, durable));
      if (progress === undefined) return undefined;
      return emptyUpTo(manager, { stream, subject, after: progress.ackFloor, last: state.last_seq });
    }),
  );
  const known = floors.filter((floor) => floor !== undefined);
  return known.length < floors.length ? undefined : Math.min(...known);
}

/**
 * By input stream: the records that are not delivered, or delivered and not acked, to any replica of the function. Read once:
 * a scrape does not wait for a server that is away.
 */
export async function readBacklogs(
  manager: JetStreamManager,
  inputs: readonly Input[],
): Promise<ReadonlyMap<string, number>> {
  const backlogs = inputs.map(async (input) => {
    const consumers = consumersOf(input).map(({ stream, durable }) => manager.consumers.info(stream, durable));
    const infos = await Promise.all(consumers);
    return [input.stream, infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0)] as const;
  });
  return new Map(await Promise.all(backlogs));
}

/** Every message up to this sequence was delivered: a partition without new messages knows only its last one. */
async function deliveredUpTo(
  manager: JetStreamManager,
  found: {
    readonly stream: string;
    readonly consumers: readonly ConsumerRef[];
    readonly all: readonly ConsumerProgress[];
  },
): Promise<number> {
  const { stream, consumers, all } = found;
  const { state } = await retryRequest(() => manager.streams.info(stream));
  const ends = consumers.map(({ subject }, index) => {
    const { ackFloor = 0, delivered = 0 } = all[index] ?? {};
    return emptyUpTo(manager, { stream, subject, after: Math.max(ackFloor, delivered), last: state.last_seq });
  });
  return Math.min(...(await Promise.all(ends)));
}
