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
import { askServer } from './ask-server';

/** JetStream's errors for what is there already, and not as it was asked for. */
const streamDiffers = 10_058;
const consumerDiffers = 10_148;
/** JetStream's error for a stream whose limit, with those of all others, is more than the server may store. */
const storageReserved = 10_047;

/** The bucket of schemas, which flows share: it stays as its first flow made it. */
export async function provisionSchemas(manager: JetStreamManager, plan: FlowPlan): Promise<void> {
  await ensureStream(manager, bucketConfig(plan.schemaBucket, plan.storage.replicas));
}

/** What a flow has for itself. What is as planned already costs one request each. */
export async function provisionOwn(manager: JetStreamManager, plan: FlowPlan): Promise<void> {
  const { replicas } = plan.storage;
  await Promise.all([
    ensureStream(manager, bucketConfig(plan.stateBucket, replicas), { num_replicas: replicas }),
    ...plan.streams.map((stream) => ensureStream(manager, streamConfig(stream), streamConfig(stream))),
  ]);
  await Promise.all(plan.consumers.map((consumer) => ensureConsumer(manager, consumer)));
}

/** Makes a stream; one of the name that is there gets what `changes` says, and stays as it is without. */
export async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { readonly name: string },
  changes?: Partial<StreamConfig>,
): Promise<void> {
  const { name } = config;
  await askServer(`stream ${name}`, async () => {
    try {
      await manager.streams.add(config);
    } catch (error) {
      if (codeOf(error) === storageReserved) {
        const todo = 'lower globalConfig.stream.maxBytes, or raise max_file_store of nats';
        throw new Error(`nats has no room for ${config.max_bytes} bytes more; ${todo}`, { cause: error });
      }
      if (codeOf(error) !== streamDiffers) throw error;
      if (changes !== undefined) await manager.streams.update(name, changes);
    }
  });
}

/** The durable consumer as it is made anew; where it begins may be another, once it was told to. */
export function consumerConfig(consumer: PlannedConsumer) {
  return {
    durable_name: consumer.durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: consumer.subject,
    max_deliver: -1,
    ...changeableOf(consumer),
  } satisfies Partial<ConsumerConfig>;
}

/** A value bucket as nats clients make it; its last values stay. */
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

/** Undefined when the server says that there is no such stream or consumer. */
export async function ignoreMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NatsError && error.code === '404') return undefined;
    throw error;
  }
}

function streamConfig(stream: PlannedStream) {
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

function changeableOf(consumer: PlannedConsumer) {
  return { ack_wait: nanos(consumer.ackWaitMs), max_ack_pending: consumer.maxAckPending };
}

async function ensureConsumer(manager: JetStreamManager, consumer: PlannedConsumer): Promise<void> {
  const { stream, durable } = consumer;
  await askServer(`consumer ${durable} of ${stream}`, async () => {
    try {
      await manager.consumers.add(stream, consumerConfig(consumer));
    } catch (error) {
      if (codeOf(error) !== consumerDiffers) throw error;
      await manager.consumers.update(stream, durable, changeableOf(consumer));
    }
  });
}

function codeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
