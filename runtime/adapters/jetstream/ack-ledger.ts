import type { NatsConnection } from 'nats';

/** A killed server loses acks that it has received and not yet written; it writes several times a second. */
const writtenAfterMs = 1_000;

interface Answer {
  readonly reply: string;
  readonly text: Uint8Array;
  /** An ack may be repeated; a repeated nak would take the message from the replica that has it by then. */
  readonly isAck: boolean;
  readonly sentAt: number;
}

/**
 * Sends acks and naks, which the server does not confirm, and repeats those that may be lost.
 *
 * I1. An answer is kept until the server has received it: until a round trip that began after it was sent ends on the same
 *     connection. An ack is kept until the server has written it, too.
 * I2. After a reconnect, the kept answers are sent again. A second ack of the same delivery has no effect.
 */
export class AckLedger {
  private kept: Answer[] = [];
  /** Number of kept answers, from the first, that the server has received. */
  private received = 0;
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

  /** Forgets the answers to messages of a stream that no longer exists: sent again, they would settle other messages. */
  forget(stream: string): void {
    const isKept = ({ reply }: Answer) => !reply.includes(`.${stream}.`);
    this.received = this.kept.slice(0, this.received).filter(isKept).length;
    this.kept = this.kept.filter(isKept);
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    this.reconnects++;
    this.received = 0;
    for (const { reply, text } of this.kept) this.connection.publish(reply, text);
  }

  /** Resolves when the server has received every answer sent so far. */
  async flush(): Promise<void> {
    while (this.kept.length > this.received) {
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

  /** False without a round trip: the connection was lost, or another round trip is in progress. */
  private async confirm(): Promise<boolean> {
    if (this.flushing || this.kept.length === 0 || this.connection.isClosed()) return false;
    this.flushing = true;
    const sent = new Set(this.kept);
    const { reconnects } = this;
    try {
      await this.connection.flush();
      if (this.reconnects !== reconnects) return false; // I1
      this.drop(this.kept.findLastIndex((answer) => sent.has(answer)) + 1);
      return true;
    } catch {
      return false; // disconnected: `reconnected` sends them again
    } finally {
      this.flushing = false;
    }
  }

  /** Drops the first `count` answers, which the server has received, except unwritten acks (I1). */
  private drop(count: number): void {
    const writtenBefore = Date.now() - writtenAfterMs;
    const unwritten = this.kept.slice(0, count).filter(({ isAck, sentAt }) => isAck && sentAt > writtenBefore);
    this.kept = [...unwritten, ...this.kept.slice(count)];
    this.received = unwritten.length;
  }
}
