import { createInbox, type Msg, type NatsConnection, type Subscription } from 'nats';
import type { Delivery, DeliverySource } from '../../engine/ports/delivery';
import type { AckLedger } from './ack-ledger';
import { JetStreamDelivery } from './jetstream-delivery';

/** A pull request ends after this long; the next demand sends another. */
const expiresMs = 20_000;
/** The server says this often that it still holds a request; when it has not said so for twice as long, it does not. */
const heartbeatMs = 3_000;
/** At most this many messages in one request: a fair share among replicas, and little to redeliver after a crash. */
const maxBatch = 500;

/**
 * Pulls messages of one durable consumer, no more than the reader has room for.
 *
 * I1. `asked` is what the server still owes: batches asked for, less messages that came, less what an ended request
 *     gave back.
 * I2. A reconnect voids every request: the server forgets requests of a connection that is gone.
 * I3. While there is demand, a request is at the server or will be: one that is lost is noticed and made again.
 */
export class MessagePuller implements DeliverySource {
  private readonly nextSubject: string;
  private inbox = createInbox();
  private subscription: Subscription | undefined;
  private onDelivery: (delivery: Delivery) => void = () => undefined;
  private asked = 0;
  private heardAt = 0;
  /** Moving average; starts high, so that the first request is small. */
  private averageBytes = 512 * 1024;
  private readonly wanted = { messages: 0, bytes: 0 };
  private watch: NodeJS.Timeout | undefined;

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
    // what waits in the socket is heard before the silence is judged
    this.watch = setInterval(() => setImmediate(() => this.askAgainIfLost()), 1_000);
  }

  demand(messages: number, bytes: number): void {
    Object.assign(this.wanted, { messages, bytes });
    if (this.subscription === undefined) return;
    const room = Math.min(messages, Math.max(bytes > 0 ? 1 : 0, Math.floor(bytes / this.averageBytes)), maxBatch);
    if (this.asked > room / 2 || room - this.asked <= 0) return;
    const batch = room - this.asked;
    this.asked += batch;
    this.heardAt = Date.now();
    const request = { batch, expires: expiresMs * 1_000_000, idle_heartbeat: heartbeatMs * 1_000_000 };
    this.connection.publish(this.nextSubject, JSON.stringify(request), { reply: this.inbox });
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    if (this.subscription === undefined) return;
    this.subscription.unsubscribe();
    this.subscribe(); // I2, on a new inbox, so that late answers do not count
    this.askAgain();
  }

  /** What is on its way is still handed over, so that the reader can give it back. */
  stop(): void {
    clearInterval(this.watch);
    this.subscription?.drain().catch(() => undefined); // a lost connection: nothing is on its way
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
    this.heardAt = Date.now();
    if (message.reply === undefined || message.reply === '') {
      this.onStatus(message);
      return;
    }
    this.asked = Math.max(0, this.asked - 1);
    this.wanted.messages--;
    this.wanted.bytes -= message.data.length;
    this.averageBytes += (message.data.length + 64 - this.averageBytes) / 16;
    this.onDelivery(new JetStreamDelivery(message, this.consumer.stream, this.connection, this.acks));
  }

  /**
   * A heartbeat (100), or the end of a request: 408 its time, 409 the consumer is gone, leadership, limits, 503 nobody
   * there. An end that does not say how much of the request is left ends it all.
   */
  private onStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return;
    const givenBack = message.headers?.get('Nats-Pending-Messages') ?? '';
    this.asked = givenBack === '' ? 0 : Math.max(0, this.asked - Number(givenBack));
    if (code === 408) this.askAgain();
    else setTimeout(() => this.askAgain(), 250);
  }

  private askAgain(): void {
    this.demand(this.wanted.messages, this.wanted.bytes);
  }

  /** I3: also when the consumer was deleted and made again, of which nobody tells. */
  private askAgainIfLost(): void {
    if (this.asked === 0 || Date.now() - this.heardAt <= 2 * heartbeatMs) return;
    this.asked = 0;
    this.askAgain();
  }
}
