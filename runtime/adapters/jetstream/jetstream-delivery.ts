import type { Msg, NatsConnection } from 'nats';
import type { Delivery } from '../../engine/ports/delivery';
import type { AckLedger } from './ack-ledger';

const ack = Buffer.from('+ACK');
const working = Buffer.from('+WPI');

/**
 * A pulled message. What the server says of it stands in its reply subject:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns since 1970>.<pending>`, with a domain and an
 * account hash before the stream when there are more than nine tokens (NATS ADR-15).
 */
export class JetStreamDelivery implements Delivery {
  readonly sequence: number;
  readonly deliveries: number;
  readonly timestampMs: number;
  readonly payload: Uint8Array;
  private readonly reply: string;

  constructor(
    message: Msg,
    readonly stream: string,
    private readonly connection: NatsConnection,
    private readonly acks: AckLedger,
  ) {
    this.reply = message.reply ?? '';
    this.payload = message.data;
    const tokens = this.reply.split('.');
    const first = tokens.length > 9 ? 6 : 4;
    this.deliveries = Number(tokens[first]);
    this.sequence = Number(tokens[first + 1]);
    this.timestampMs = Number(tokens[first + 3]) / 1_000_000;
  }

  ack(): void {
    this.acks.ack(this.reply, ack);
  }

  nak(delayMs: number): void {
    this.acks.nak(this.reply, Buffer.from(`-NAK ${JSON.stringify({ delay: Math.round(delayMs * 1_000_000) })}`));
  }

  working(): void {
    this.connection.publish(this.reply, working);
  }
}
