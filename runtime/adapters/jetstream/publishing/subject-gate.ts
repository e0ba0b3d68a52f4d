import { Backoff } from '../../../async/backoff';

/** Messages released together while the stream accepts them. */
const burst = 512;

/** A message that a gate may hold. */
export interface GatedMessage {
  /** Position in the order of publishing. */
  readonly token: number;
  /** Set by the gate. */
  isHeld: boolean;
}

/**
 * Holds the messages of a subject whose stream refuses them, and releases them after a pause.
 *
 * I1. Messages are released in the order of their tokens: after a pause the first alone, then, as long as released messages
 *     are stored, a burst at a time. A stream that stays full costs one message for each pause.
 * I2. A refusal starts a pause, each longer than the one before; a settled message resets the next pause.
 */
export class SubjectGate<T extends GatedMessage> {
  private readonly held: T[] = [];
  private readonly released = new Set<T>();
  private readonly backoff = new Backoff({ firstMs: 20, maxMs: 1_000 });
  private pause: NodeJS.Timeout | undefined;

  constructor(
    private readonly events: {
      send(message: T): void;
      /** A pause has started. */
      refused(): void;
    },
  ) {}

  /** True when no message is held or released: messages of the subject can bypass the gate. */
  get isIdle(): boolean {
    return this.held.length === 0 && this.released.size === 0;
  }

  /** Holds a message that was not sent yet. */
  hold(message: T): void {
    message.isHeld = true;
    this.held.push(message);
  }

  /** Holds a message that the stream refused, whether the gate released it or it was sent before the gate existed. */
  refuse(message: T): void {
    if (message.isHeld) return; // sent twice, refused twice
    this.released.delete(message);
    this.hold(message);
    if (this.pause !== undefined) return;
    this.events.refused();
    this.pause = setTimeout(() => {
      this.pause = undefined;
      this.release(1);
    }, this.backoff.next());
  }

  /** A message of the subject is stored, or has failed. */
  settle(message: T): void {
    if (message.isHeld)
      this.held.splice(this.held.indexOf(message), 1); // a late response to an earlier attempt
    else if (!this.released.delete(message)) return;
    this.backoff.reset();
    if (this.released.size === 0 && this.pause === undefined) this.release(burst);
  }

  close(): void {
    clearTimeout(this.pause);
  }

  private release(count: number): void {
    this.held.sort((one, other) => one.token - other.token);
    const messages = this.held.splice(0, count);
    for (const message of messages) {
      message.isHeld = false;
      this.released.add(message);
    }
    for (const message of messages) this.events.send(message);
  }
}
