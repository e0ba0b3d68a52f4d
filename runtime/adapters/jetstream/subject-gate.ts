import { Backoff } from '../../async/backoff';

/** Messages let out at once while the stream takes them. */
const burst = 512;

/** A message that a gate may hold back. */
export interface GatedMessage {
  /** Its place in the order. */
  readonly token: number;
  /** Set by the gate. */
  isHeld: boolean;
}

/**
 * Holds back the messages of a subject whose stream refuses them, and lets them out again.
 *
 * I1. They are let out in the order of their tokens: after a pause the first alone, then, as long as what was let out is
 *     stored, a burst at a time. So a stream that stays full costs one message for each pause.
 * I2. A refusal begins a pause, each longer than the one before; a message that settles makes the next one short.
 */
export class SubjectGate<T extends GatedMessage> {
  private readonly held: T[] = [];
  private readonly letOut = new Set<T>();
  private readonly backoff = new Backoff({ firstMs: 20, maxMs: 1_000 });
  private pause: NodeJS.Timeout | undefined;

  constructor(
    private readonly events: {
      send(message: T): void;
      /** A pause begins. */
      refused(): void;
    },
  ) {}

  /** True when nothing is held back or let out: messages of the subject can be sent without the gate. */
  get isIdle(): boolean {
    return this.held.length === 0 && this.letOut.size === 0;
  }

  /** Takes a message that was not sent yet. */
  hold(message: T): void {
    message.isHeld = true;
    this.held.push(message);
  }

  /** Takes back a message that the stream refused, whether it was let out here or sent before there was a gate. */
  refuse(message: T): void {
    if (message.isHeld) return; // refused twice, since it was sent twice
    this.letOut.delete(message);
    this.hold(message);
    if (this.pause !== undefined) return;
    this.events.refused();
    this.pause = setTimeout(() => {
      this.pause = undefined;
      this.release(1);
    }, this.backoff.next());
  }

  /** A message of the subject is stored, or failed for good. */
  settle(message: T): void {
    if (message.isHeld)
      this.held.splice(this.held.indexOf(message), 1); // the answer to an earlier sending came late
    else if (!this.letOut.delete(message)) return;
    this.backoff.reset();
    if (this.letOut.size === 0 && this.pause === undefined) this.release(burst);
  }

  close(): void {
    clearTimeout(this.pause);
  }

  private release(count: number): void {
    this.held.sort((one, other) => one.token - other.token);
    const messages = this.held.splice(0, count);
    for (const message of messages) {
      message.isHeld = false;
      this.letOut.add(message);
    }
    for (const message of messages) this.events.send(message);
  }
}
