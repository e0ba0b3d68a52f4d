import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats';
import type { FlowPlan, PlannedConsumer, PlannedStream } from '../../../lib/plan/flow-plan';
import { readFloorNote } from './keepers/floor-notes';
import { callServer, ignoreMissing } from './retry-request';

/** The settings of a durable consumer. */
export type ConsumerSettings = Pick<
  PlannedConsumer,
  'durable' | 'subject' | 'partition' | 'ackWaitMs' | 'maxAckPending'
>;

/** Metadata of a recreated consumer: the sequence after which acked records are counted. */
export const countsFromKey = 'kflow-counts-from';

/** JetStream's error codes for a stream or consumer that exists with another configuration. */
const streamDiffers = 10_058;
const consumerDiffers = 10_148;
/** JetStream's error code for a stream whose limit exceeds the unreserved storage of the server. */
const storageReserved = 10_047;

/** Creates or updates the streams, consumers and the state bucket of a flow of records. Costs one request for each that is up to date. */
export async function provisionFlow(manager: JetStreamManager, plan: FlowPlan): Promise<void> {
  if (plan.hasNoRecords) return;
  const { replicas } = plan.storage;
  await Promise.all([
    ensureStream(manager, bucketConfig(plan.stateBucket, replicas), { num_replicas: replicas }),
    ...plan.streams.map((stream) => ensureStream(manager, streamConfig(stream), streamConfig(stream))),
  ]);
  await Promise.all(plan.consumers.map((consumer) => ensureConsumer(manager, consumer, plan.stateBucket)));
}

/** Creates a stream. Applies `changes` to an existing one; without them, an existing one is left unchanged. */
export async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { readonly name: string },
  changes?: Partial<StreamConfig>,
): Promise<void> {
  const { name } = config;
  await callServer(`stream ${name}`, async () => {
    try {
      await manager.streams.add(config);
    } catch (error) {
      if (codeOf(error) === storageReserved) {
        const todo = 'lower globalConfig.stream.maxBytes, or raise max_file_store of nats';
        throw new Error(`nats cannot reserve ${config.max_bytes} bytes of storage; ${todo}`, { cause: error });
      }
      if (codeOf(error) !== streamDiffers) throw error;
      if (changes !== undefined) await manager.streams.update(name, changes);
    }
  });
}

/** Creates a stream again with the configuration that it had; a server refuses what it had added itself. */
export async function recreateStream(
  manager: JetStreamManager,
  name: string,
  { metadata: _, ...config }: Partial<StreamConfig>,
): Promise<void> {
  await manager.streams.add({ ...config, name });
}

/** The configuration of a new durable consumer; a rewind changes where the consumer starts. */
export function consumerConfig(consumer: ConsumerSettings) {
  return {
    durable_name: consumer.durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: consumer.subject,
    max_deliver: -1,
    ...changeableOf(consumer),
  } satisfies Partial<ConsumerConfig>;
}

/** The configuration of a KV bucket with a history of one, as nats clients create it. */
export function bucketConfig(bucket: string, replicas: number) {
  return {
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
    num_replicas: replicas,
  } satisfies Partial<StreamConfig>;
}

export function streamConfig(stream: Omit<PlannedStream, 'role' | 'onDelete'>) {
  return {
    name: stream.name,
    subjects: [...stream.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs: stream.maxMsgs,
    max_bytes: stream.maxBytes,
    num_replicas: stream.replicas,
    duplicate_window: nanos(stream.dedupeWindowMs),
    allow_direct: true,
  } satisfies Partial<StreamConfig>;
}

function changeableOf(consumer: ConsumerSettings) {
  return { ack_wait: nanos(consumer.ackWaitMs), max_ack_pending: consumer.maxAckPending };
}

/** A consumer that somebody removed continues after its last known ack floor. */
async function ensureConsumer(
  manager: JetStreamManager,
  consumer: PlannedConsumer,
  stateBucket: string,
): Promise<void> {
  const { stream, durable } = consumer;
  await callServer(`consumer ${durable} of ${stream}`, async () => {
    const info = await ignoreMissing(manager.consumers.info(stream, durable));
    if (info === undefined) {
      const note = await readFloorNote(manager, stateBucket, { stream, durable });
      const { created } = await manager.streams.info(stream);
      await addConsumer(manager, consumer, note?.stream === created ? note : undefined);
      return;
    }
    const changes = changeableOf(consumer);
    const isSame = info.config.ack_wait === changes.ack_wait && info.config.max_ack_pending === changes.max_ack_pending;
    if (!isSame) await manager.consumers.update(stream, durable, changes);
  });
}

/** Creates a consumer that starts after a floor, or at the first record. An existing consumer is left unchanged. */
export async function addConsumer(
  manager: JetStreamManager,
  consumer: ConsumerSettings & { readonly stream: string },
  after?: { readonly floor: number; readonly countsFrom: number },
): Promise<void> {
  const start =
    after === undefined
      ? {}
      : {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: after.floor + 1,
          metadata: { [countsFromKey]: String(after.countsFrom) },
        };
  try {
    await manager.consumers.add(consumer.stream, { ...consumerConfig(consumer), ...start });
  } catch (error) {
    if (codeOf(error) !== consumerDiffers) throw error; // another replica was faster
  }
}

/** Creates a consumer; one that an earlier version created waits as long for acks, and for as many, from then on. */
export async function addOrChangeConsumer(
  manager: JetStreamManager,
  stream: string,
  config: Partial<ConsumerConfig>,
): Promise<void> {
  const { durable_name: durable = '', ack_wait, max_ack_pending } = config;
  try {
    await manager.consumers.add(stream, config);
  } catch (error) {
    if (codeOf(error) !== consumerDiffers) throw error;
    const changes = { ack_wait, max_ack_pending };
    await manager.consumers.update(stream, durable, changes);
  }
}

function codeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
