import { createInbox, type Msg, type NatsConnection, type Subscription } from 'nats';
import { keyHeader } from '../../engine/order/record-key';
import type { Delivery, DeliverySource } from '../../engine/ports/delivery';
import { apiSubject } from './access/jetstream-api';
import type { AckLedger } from './ack-ledger';

/** Expiry of a pull request; the next demand sends another. */
const expiresMs = 20_000;
/** Interval of the server's heartbeats for a pull request. A request without two of them is lost. */
const heartbeatMs = 3_000;
/** Limit of messages in one request: replicas share fairly, and few messages are redelivered after a crash. */
const maxBatch = 500;

/**
 * Pulls messages of one durable consumer, no more than the reader has room for.
 *
 * I1. `outstanding` is the number of messages that the server may still send: those requested, minus those received, minus
 *     the rest of requests that have ended.
 * I2. A reconnect voids every request: the server drops the requests of a closed connection.
 * I3. While there is demand, a request is pending at the server or about to be sent: a lost request is replaced.
 * I4. A message up to the known ack floor was acked before: a consumer that somebody recreated delivers it again. It is acked
 *     and not passed on. A message that was stored after the floor was read is another one, of a recreated stream.
 */
export class MessagePuller implements DeliverySource {
  private readonly nextSubject: string;
  private inbox = createInbox();
  private subscription: Subscription | undefined;
  private onDelivery: (delivery: JetStreamDelivery) => void = () => undefined;
  private outstanding = 0;
  private lastReceivedAt = 0;
  /** Moving average of the message size; starts high, so that the first request is small. */
  private averageBytes = 512 * 1024;
  private readonly room = { messages: 0, bytes: 0 };
  private watchdog: NodeJS.Timeout | undefined;
  private floor: KnownFloor = { floor: 0, floorAtMs: 0, repeatedTo: 0 };
  private isVoid = false;
  /** Messages passed on that had been delivered before. */
  redelivered = 0;
  private onLost: () => void = () => undefined;
  private onAnswer: (kind: 'ack' | 'nak', sequence: number) => void = () => undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly acks: AckLedger,
    private readonly consumer: { readonly stream: string; readonly durable: string },
  ) {
    this.nextSubject = apiSubject(connection, `CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.durable}`);
  }

  start(onDelivery: (delivery: JetStreamDelivery) => void): void {
    this.onDelivery = onDelivery;
    this.subscribe();
    // messages that wait in the socket are received before the check
    this.watchdog = setInterval(() => setImmediate(() => this.pullAgainIfLost()), 1_000);
  }

  /** Sets what is known about the messages that were acked before (I4). */
  skipTo(floor: KnownFloor): void {
    this.floor = floor;
  }

  /** `listener` is called when the server reports that the consumer does not exist. */
  onConsumerLost(listener: () => void): void {
    this.onLost = listener;
  }

  /** `listener` is called with the sequence of each message that is acked or given back. */
  onAnswered(listener: (kind: 'ack' | 'nak', sequence: number) => void): void {
    this.onAnswer = listener;
  }

  /**
   * The stream was removed, or another one has its name: pulls no more, and drops the answers to its messages, which would
   * settle messages of the other one.
   */
  abandon(): void {
    this.isVoid = true;
    this.acks.forget(this.consumer.stream);
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    clearInterval(this.watchdog);
  }

  demand(messages: number, bytes: number): void {
    Object.assign(this.room, { messages, bytes });
    if (this.subscription === undefined) return;
    const room = Math.min(messages, Math.max(bytes > 0 ? 1 : 0, Math.floor(bytes / this.averageBytes)), maxBatch);
    if (this.outstanding > room / 2 || room - this.outstanding <= 0) return;
    const batch = room - this.outstanding;
    this.outstanding += batch;
    this.lastReceivedAt = Date.now();
    const request = { batch, expires: expiresMs * 1_000_000, idle_heartbeat: heartbeatMs * 1_000_000 };
    this.connection.publish(this.nextSubject, JSON.stringify(request), { reply: this.inbox });
  }

  /** Messages that the server may still send. */
  get expected(): number {
    return this.outstanding;
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    if (this.subscription === undefined) return;
    this.subscription.unsubscribe();
    this.subscribe(); // I2, with a new inbox, so that late responses do not count
    this.pullAgain();
  }

  /** Messages in flight are still delivered, so that the reader can nak them. */
  stop(): void {
    clearInterval(this.watchdog);
    this.subscription?.drain().catch(() => undefined); // disconnected: no message is in flight
    this.subscription = undefined;
  }

  private subscribe(): void {
    this.outstanding = 0;
    this.inbox = createInbox();
    this.subscription = this.connection.subscribe(this.inbox, {
      callback: (_error, message) => this.onMessage(message),
    });
  }

  private onMessage(message: Msg): void {
    this.lastReceivedAt = Date.now();
    if (message.reply === undefined || message.reply === '') {
      this.onStatus(message);
      return;
    }
    this.outstanding = Math.max(0, this.outstanding - 1);
    this.averageBytes += (message.data.length + 64 - this.averageBytes) / 16;
    const delivery = new JetStreamDelivery(message, this.consumer.stream, this);
    const { floor, floorAtMs } = this.floor;
    if (delivery.sequence <= floor && delivery.timestampMs <= floorAtMs) {
      delivery.ack(); // I4
      this.pullAgain();
      return;
    }
    this.room.messages--;
    this.room.bytes -= message.data.length;
    if (delivery.deliveries > 1) this.redelivered++;
    this.onDelivery(delivery);
  }

  isRepeated({ sequence }: Pick<Delivery, 'sequence'>): boolean {
    return sequence <= this.floor.repeatedTo;
  }

  /** Sends the answer to a delivery. */
  answer(kind: 'ack' | 'nak' | 'working', { handle, sequence }: Delivery, text: Uint8Array): void {
    if (this.isVoid) return;
    if (kind === 'working') {
      this.connection.publish(handle, text);
      return;
    }
    this.acks[kind](handle, text);
    this.onAnswer(kind, sequence);
  }

  /**
   * A heartbeat (100), or the end of a request: 408 expired, 409 consumer deleted, leadership changed or limit exceeded, 503
   * no responders. A status without the number of pending messages ends all requests.
   */
  private onStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return;
    const pending = message.headers?.get('Nats-Pending-Messages') ?? '';
    this.outstanding = pending === '' ? 0 : Math.max(0, this.outstanding - Number(pending));
    if (code === 408) this.pullAgain();
    else setTimeout(() => this.pullAgain(), 250);
    if (code === 503 || (code === 409 && message.headers?.description === 'Consumer Deleted')) this.onLost();
  }

  private pullAgain(): void {
    this.demand(this.room.messages, this.room.bytes);
  }

  /** I3: also after the consumer was deleted and recreated, which the server does not report. */
  private pullAgainIfLost(): void {
    if (this.outstanding === 0 || Date.now() - this.lastReceivedAt <= 2 * heartbeatMs) return;
    this.outstanding = 0;
    this.pullAgain();
  }
}

/** What is known about the messages that a consumer delivers. */
export interface KnownFloor {
  /** Every message up to this sequence is acked, if it was stored at the time `floorAtMs` of the server, or before. */
  readonly floor: number;
  readonly floorAtMs: number;
  /** Messages up to this sequence may have been processed before. */
  readonly repeatedTo: number;
}

const ack = Buffer.from('+ACK');
const working = Buffer.from('+WPI');

/**
 * A pulled message. Its reply subject contains the server's metadata:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns since 1970>.<pending>`, with a domain and an
 * account hash before the stream when there are more than nine tokens (NATS ADR-15).
 */
export class JetStreamDelivery implements Delivery {
  readonly sequence: number;
  readonly deliveries: number;
  /** Number among the deliveries of the consumer, redeliveries included, from 1. */
  readonly number: number;
  readonly timestampMs: number;
  readonly payload: Uint8Array;
  /** The reply subject. */
  readonly handle: string;

  constructor(
    private readonly message: Msg,
    readonly stream: string,
    private readonly answers: Pick<MessagePuller, 'answer' | 'isRepeated'>,
  ) {
    this.handle = message.reply ?? '';
    this.payload = message.data;
    const tokens = this.handle.split('.');
    const first = tokens.length > 9 ? 6 : 4;
    this.deliveries = Number(tokens[first]);
    this.sequence = Number(tokens[first + 1]);
    this.number = Number(tokens[first + 2]);
    this.timestampMs = Number(tokens[first + 3]) / 1_000_000;
  }

  /** As it is known now. */
  get isRepeated(): boolean {
    return this.answers.isRepeated(this);
  }

  get traceparent(): string | undefined {
    return this.message.headers?.get('traceparent') || undefined;
  }

  get key(): string | undefined {
    return this.message.headers?.get(keyHeader) || undefined;
  }

  get tracestate(): string | undefined {
    return this.message.headers?.get('tracestate') || undefined;
  }

  ack(): void {
    this.answers.answer('ack', this, ack);
  }

  nak(delayMs: number): void {
    const text = Buffer.from(`-NAK ${JSON.stringify({ delay: Math.round(delayMs * 1_000_000) })}`);
    this.answers.answer('nak', this, text);
  }

  working(): void {
    this.answers.answer('working', this, working);
  }
}
