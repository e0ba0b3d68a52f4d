import type { NatsConnection } from 'nats';

/**
 * Final answers to deliveries (ack, nak), which carry no answer themselves.
 *
 * I1. An answer is kept until a round trip that began after it has ended, on the same connection: the server has seen
 *     it then.
 * I2. After a reconnect, what is still kept is sent again. A second ack of the same delivery changes nothing.
 */
export class AckLedger {
  private sent: { reply: string; answer: Uint8Array }[] = [];
  private readonly timer: NodeJS.Timeout;
  private flushing = false;
  private reconnects = 0;

  constructor(private readonly connection: NatsConnection) {
    this.timer = setInterval(() => void this.confirm(), 200);
  }

  send(reply: string, answer: Uint8Array): void {
    this.sent.push({ reply, answer });
    this.connection.publish(reply, answer);
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    this.reconnects++;
    for (const { reply, answer } of this.sent) this.connection.publish(reply, answer);
  }

  /** Resolves when the server has seen every answer sent so far. */
  async flush(): Promise<void> {
    while (this.sent.length > 0) {
      if (!(await this.confirm())) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** False when the round trip did not happen: a connection lost meanwhile, or one under way already. */
  private async confirm(): Promise<boolean> {
    if (this.flushing || this.sent.length === 0 || this.connection.isClosed()) return false;
    this.flushing = true;
    const count = this.sent.length;
    const { reconnects } = this;
    try {
      await this.connection.flush();
      if (this.reconnects !== reconnects) return false; // I1
      this.sent = this.sent.slice(count);
      return true;
    } catch {
      return false; // disconnected: `reconnected` sends them again
    } finally {
      this.flushing = false;
    }
  }
}
