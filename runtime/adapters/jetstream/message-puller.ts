import { createInbox, type Msg, type NatsConnection, type Subscription } from 'nats';
import type { Delivery, DeliverySource } from '../../engine/delivery';
import type { AckLedger } from './ack-ledger';
import { JetStreamDelivery } from './jetstream-delivery';

/** A pull request ends after this long; the next demand sends another. */
const expiresMs = 20_000;
/** At most this many messages in one request: a fair share among replicas, and little to redeliver after a crash. */
const maxBatch = 500;

/**
 * Pulls messages of one durable consumer, no more than the reader has room for.
 *
 * I1. `asked` is what the server still owes: batches asked for, less messages that came, less what an ended request
 *     gave back.
 * I2. A reconnect voids every request: the server forgets requests of a connection that is gone.
 */
export class MessagePuller implements DeliverySource {
  private readonly nextSubject: string;
  private inbox = createInbox();
  private subscription: Subscription | undefined;
  private onDelivery: (delivery: Delivery) => void = () => undefined;
  private asked = 0;
  private askedAt = 0;
  /** Moving average; starts high, so that the first request is small. */
  private averageBytes = 512 * 1024;
  private wanted = { messages: 0, bytes: 0 };

  constructor(
    private readonly connection: NatsConnection,
    private readonly acks: AckLedger,
    private readonly consumer: { readonly stream: string; readonly durable: string },
  ) {
    this.nextSubject = `$JS.API.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.durable}`;
  }

  start(onDelivery: (delivery: Delivery) => void): void {
    this.onDelivery = onDelivery;
    this.subscribe();
  }

  demand(messages: number, bytes: number): void {
    this.wanted = { messages, bytes };
    if (this.subscription === undefined) return;
    if (this.asked > 0 && Date.now() - this.askedAt > expiresMs + 5_000) this.asked = 0; // a request was lost
    const room = Math.min(messages, Math.max(bytes > 0 ? 1 : 0, Math.floor(bytes / this.averageBytes)), maxBatch);
    if (this.asked > room / 2 || room - this.asked <= 0) return;
    const batch = room - this.asked;
    this.asked += batch;
    this.askedAt = Date.now();
    this.connection.publish(this.nextSubject, JSON.stringify({ batch, expires: expiresMs * 1_000_000 }), {
      reply: this.inbox,
    });
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    if (this.subscription === undefined) return;
    this.subscription.unsubscribe();
    this.subscribe(); // I2, on a new inbox, so that late answers do not count
    this.demand(this.wanted.messages, this.wanted.bytes);
  }

  stop(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
  }

  private subscribe(): void {
    this.asked = 0;
    this.inbox = createInbox();
    this.subscription = this.connection.subscribe(this.inbox, {
      callback: (_error, message) => this.onMessage(message),
    });
  }

  private onMessage(message: Msg): void {
    if (message.reply === undefined || message.reply === '') {
      this.onStatus(message);
      return;
    }
    this.asked = Math.max(0, this.asked - 1);
    this.averageBytes += (message.data.length + 64 - this.averageBytes) / 16;
    this.onDelivery(new JetStreamDelivery(message, this.consumer.stream, this.connection, this.acks));
  }

  /** The end of a request (408 time, 409 limits or leadership, 503 nobody there), or a heartbeat, which has no count. */
  private onStatus(message: Msg): void {
    const givenBack = Number(message.headers?.get('Nats-Pending-Messages') ?? 0);
    this.asked = Math.max(0, this.asked - givenBack);
    if (message.headers?.code === 503 || message.headers?.code === 409) {
      setTimeout(() => {
        if (message.headers?.code === 503) this.asked = 0;
        this.demand(this.wanted.messages, this.wanted.bytes);
      }, 250);
      return;
    }
    this.demand(this.wanted.messages, this.wanted.bytes);
  }
}
