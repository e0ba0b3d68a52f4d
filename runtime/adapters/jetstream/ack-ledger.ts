import type { NatsConnection } from 'nats';

/** A killed server forgets acks that it has seen and not yet written; it writes a few times a second. */
const writtenAfterMs = 1_000;

interface Answer {
  readonly reply: string;
  readonly text: Uint8Array;
  /** An ack may be sent twice; a message given back twice would be taken from who has it by then. */
  readonly isAck: boolean;
  readonly sentAt: number;
}

/**
 * Final answers to deliveries (ack, nak), which carry no answer themselves.
 *
 * I1. An answer is kept until a round trip that began after it has ended, on the same connection: the server has seen
 *     it then. An ack is kept until the server has written it, too.
 * I2. After a reconnect, what is still kept is sent again. A second ack of the same delivery changes nothing.
 */
export class AckLedger {
  private kept: Answer[] = [];
  /** This many of the kept answers, the first ones, were seen by the server. */
  private seen = 0;
  private readonly timer: NodeJS.Timeout;
  private flushing = false;
  private reconnects = 0;

  constructor(private readonly connection: NatsConnection) {
    this.timer = setInterval(() => void this.confirm(), 200);
  }

  ack(reply: string, text: Uint8Array): void {
    this.send({ reply, text, isAck: true, sentAt: Date.now() });
  }

  nak(reply: string, text: Uint8Array): void {
    this.send({ reply, text, isAck: false, sentAt: Date.now() });
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    this.reconnects++;
    this.seen = 0;
    for (const { reply, text } of this.kept) this.connection.publish(reply, text);
  }

  /** Resolves when the server has seen every answer sent so far. */
  async flush(): Promise<void> {
    while (this.kept.length > this.seen) {
      if (!(await this.confirm())) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private send(answer: Answer): void {
    this.kept.push(answer);
    this.connection.publish(answer.reply, answer.text);
  }

  /** False when the round trip did not happen: a connection lost meanwhile, or one under way already. */
  private async confirm(): Promise<boolean> {
    if (this.flushing || this.kept.length === 0 || this.connection.isClosed()) return false;
    this.flushing = true;
    const count = this.kept.length;
    const { reconnects } = this;
    try {
      await this.connection.flush();
      if (this.reconnects !== reconnects) return false; // I1
      this.forget(count);
      return true;
    } catch {
      return false; // disconnected: `reconnected` sends them again
    } finally {
      this.flushing = false;
    }
  }

  /** I1, of the first `count` answers, which the server has seen. */
  private forget(count: number): void {
    const writtenBefore = Date.now() - writtenAfterMs;
    const unwritten = this.kept.slice(0, count).filter(({ isAck, sentAt }) => isAck && sentAt > writtenBefore);
    this.kept = [...unwritten, ...this.kept.slice(count)];
    this.seen = unwritten.length;
  }
}
