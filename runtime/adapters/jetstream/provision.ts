import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { StoreError } from '../../../lib/errors';
import type { FlowPlan, PlannedConsumer, PlannedStream } from '../../../lib/plan/flow-plan';

/** Makes the streams, consumers and KV buckets of a plan, or brings them up to date; what they hold stays. */
export async function provisionFlow(connection: NatsConnection, plan: FlowPlan): Promise<void> {
  const manager = await connection.jetstreamManager();
  const jetstream = connection.jetstream();
  await Promise.all([
    jetstream.views.kv(plan.schemaBucket, { history: 1, storage: StorageType.File }),
    jetstream.views.kv(plan.stateBucket, { history: 1, storage: StorageType.File }),
    ...plan.streams.map((stream) => provisionStream(manager, stream)),
  ]);
  await Promise.all(plan.consumers.map((consumer) => provisionConsumer(manager, consumer)));
}

/** Removes everything of a flow from the nats server, its state and history included. */
export async function removeFlow(connection: NatsConnection, plan: FlowPlan): Promise<void> {
  const manager = await connection.jetstreamManager();
  const names = [...plan.streams.map((stream) => stream.name), `KV_${plan.stateBucket}`];
  await Promise.all(names.map((name) => ignoreMissing(manager.streams.delete(name))));
}

async function provisionStream(manager: JetStreamManager, stream: PlannedStream): Promise<void> {
  const config = {
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
  };
  try {
    if (await exists(manager.streams.info(stream.name))) await manager.streams.update(stream.name, config);
    else await manager.streams.add(config);
  } catch (cause) {
    throw new StoreError('stream-failed', `stream ${stream.name}: ${String(cause)}`, { cause, where: stream.name });
  }
}

async function provisionConsumer(manager: JetStreamManager, consumer: PlannedConsumer): Promise<void> {
  const { stream, durable } = consumer;
  const changeable = { ack_wait: nanos(consumer.ackWaitMs), max_ack_pending: consumer.maxAckPending };
  try {
    if (await exists(manager.consumers.info(stream, durable))) {
      await manager.consumers.update(stream, durable, changeable);
      return;
    }
    await manager.consumers.add(stream, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      filter_subject: consumer.subject,
      max_deliver: -1,
      ...changeable,
    });
  } catch (cause) {
    throw new StoreError('stream-failed', `consumer ${durable} of ${stream}: ${String(cause)}`, {
      cause,
      where: stream,
    });
  }
}

async function exists(info: Promise<unknown>): Promise<boolean> {
  return (await ignoreMissing(info)) !== undefined;
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
