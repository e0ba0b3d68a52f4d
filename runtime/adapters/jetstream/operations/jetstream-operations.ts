import { randomUUID } from 'node:crypto';
import {
  AckPolicy,
  type Consumer,
  headers,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type KV,
  type NatsConnection,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import {
  operationResultStream,
  operationResultSubject,
  operationStream,
  operationSubject,
} from '../../../../lib/plan/operation-names';
import {
  OperationError,
  PayloadError,
  TransportError,
  ValidationError,
} from '../../../operations/messages/operation-error';
import type { Delivery, StoredValue, Transport } from '../../../operations/transport/transport';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { bucketConfig, ensureStream } from '../provision';
import { callServer, ignoreMissing, quickRequests } from '../retry-request';

const ackWaitMs = 15_000;
const renewMs = ackWaitMs / 3;
/** In which a second message with the same id is dropped. */
const duplicatesMs = 60 * 60 * 1_000;
const resultsAgeMs = 7 * 24 * 60 * 60 * 1_000;
const statesAgeMs = 30 * 24 * 60 * 60 * 1_000;
/** Bytes of a message beside its payload: headers and subject. */
const roomBytes = 1_024;
const requestTimeoutMs = 10_000;
/** JetStream takes no shorter wait for a message. */
const minPullMs = 1_000;
const keyForm = /^[A-Za-z0-9_=-]+$/;
const topicForm = /^[A-Za-z0-9_-]+$/;

/**
 * Topics are subjects of one work queue of a namespace; results are in a stream beside it, for a week; states are in a bucket,
 * for 30 days after their last change.
 * While a message is held, its lease is renewed.
 */
export class JetStreamOperations implements Transport {
  private readonly consumers = new Map<string, Promise<Consumer>>();

  private constructor(
    private readonly connection: NatsConnection,
    private readonly namespace: string,
    private readonly jetStream: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly states: KV,
  ) {}

  /** Creates what does not exist yet. The transport closes the connection. */
  static async open(connection: NatsConnection, namespace: string): Promise<JetStreamOperations> {
    const manager = await managerOf(connection, quickRequests);
    const stream = { storage: StorageType.File, duplicate_window: nanos(duplicatesMs) };
    await ensureStream(manager, {
      ...stream,
      name: operationStream(namespace),
      subjects: [operationSubject(namespace, '*')],
      retention: RetentionPolicy.Workqueue,
    });
    await ensureStream(manager, {
      ...stream,
      name: operationResultStream(namespace),
      subjects: [operationResultSubject(namespace, '*')],
      retention: RetentionPolicy.Limits,
      max_age: nanos(resultsAgeMs),
    });
    await ensureStream(manager, { ...bucketConfig(operationStream(namespace), 1), max_age: nanos(statesAgeMs) });
    const jetStream = jetStreamOf(connection, quickRequests);
    const states = await jetStream.views.kv(operationStream(namespace), { bindOnly: true });
    return new JetStreamOperations(connection, namespace, jetStream, manager, states);
  }

  async publish(topic: string, payload: Uint8Array, id?: string): Promise<void> {
    await this.send(operationSubject(this.namespace, checked(topic)), payload, id);
  }

  async publishResult(topic: string, payload: Uint8Array, id?: string): Promise<void> {
    await this.send(operationResultSubject(this.namespace, checked(topic)), payload, id);
  }

  async next(topics: readonly string[], timeoutMs: number): Promise<Delivery | undefined> {
    for (const topic of topics) {
      const expires = Math.max(timeoutMs / topics.length, minPullMs);
      const message = await call(`topic ${topic}`, async () => (await this.consumer(topic)).next({ expires }));
      if (message !== null) return deliveryOf(topic, message);
    }
    return undefined;
  }

  async load(key: string): Promise<StoredValue | undefined> {
    const entry = await call(`state ${key}`, () => this.states.get(checkedKey(key)));
    return entry?.operation === 'PUT' ? { value: entry.string(), revision: entry.revision } : undefined;
  }

  async save(key: string, stored: StoredValue): Promise<number | undefined> {
    this.check(Buffer.byteLength(stored.value));
    return call(`state ${key}`, () => writeIfUnchanged(this.states, { key, ...stored }));
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private async send(subject: string, payload: Uint8Array, id: string | undefined): Promise<void> {
    this.check(payload.length);
    const named = headers();
    named.set('Nats-Msg-Id', id ?? randomUUID()); // a retry after a lost answer is a duplicate
    await call(subject, () => this.jetStream.publish(subject, payload, { headers: named }));
  }

  private check(bytes: number): void {
    PayloadError.check(bytes, (this.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - roomBytes);
  }

  /** The consumer of a topic, which is made by the first that needs it. */
  private async consumer(topic: string): Promise<Consumer> {
    const stream = operationStream(this.namespace);
    const known = this.consumers.get(topic);
    if (known !== undefined) return known;
    const filter = operationSubject(this.namespace, checked(topic));
    if ((await ignoreMissing(this.manager.consumers.info(stream, topic))) === undefined) {
      await this.manager.consumers.add(stream, {
        durable_name: topic,
        filter_subject: filter,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ackWaitMs),
        max_deliver: -1,
      });
    }
    const consumer = this.jetStream.consumers.get(stream, topic);
    this.consumers.set(topic, consumer);
    consumer.catch(() => this.consumers.delete(topic));
    return consumer;
  }
}

function deliveryOf(topic: string, message: JsMsg): Delivery {
  const lease = setInterval(() => message.working(), renewMs);
  const settle = (work: () => Promise<void>) => {
    clearInterval(lease);
    return call(`topic ${topic}`, work);
  };
  const { streamSequence: sequence, deliveryCount: deliveries } = message.info;
  return {
    topic,
    sequence,
    deliveries,
    payload: async () => message.string(),
    ack: () =>
      settle(async () => {
        if (!(await message.ackAck({ timeout: requestTimeoutMs }))) throw new Error('the ack was not stored');
      }),
    release: () => settle(async () => message.nak()),
  };
}

/** Whatever fails is a TransportError. */
async function call<T>(target: string, request: () => Promise<T>): Promise<T> {
  try {
    return await callServer(target, request, requestTimeoutMs);
  } catch (cause) {
    if (cause instanceof OperationError) throw cause;
    throw new TransportError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function checkedKey(key: string): string {
  if (keyForm.test(key)) return key;
  throw new ValidationError(`state ${JSON.stringify(key)}: want letters, digits, -, _ and =`);
}

function checked(topic: string): string {
  if (topicForm.test(topic)) return topic;
  throw new ValidationError(`topic ${JSON.stringify(topic)}: want letters, digits, - and _`);
}
