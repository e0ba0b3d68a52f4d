import type { KFlowError } from '../../../lib/errors';
import type { Outgoing } from '../ports/publisher';
import { keyHeader } from './record-key';

type Settle = (error?: KFlowError) => void;
type Send = (message: Outgoing, settle: Settle) => void;

interface Waiting {
  readonly message: Outgoing;
  readonly settle: Settle;
}

/** What waits above which there is no room for more. */
const max = { messages: 4_096, bytes: 24 * 1024 * 1024 };

/**
 * Sends the outputs of each key one after the other, each when the one before is settled: of two that are under way, a stream that
 * was full for a moment may refuse the first and take the second.
 */
export class KeyQueue {
  /** By subject and key, while an output is under way: those behind it. */
  private readonly queues = new Map<string, Waiting[]>();
  private messages = 0;
  private bytes = 0;

  /** `onRoom` is called when there is room again. */
  constructor(
    private readonly send: Send,
    private readonly onRoom: () => void,
  ) {}

  get hasRoom(): boolean {
    return this.messages < max.messages && this.bytes < max.bytes;
  }

  /** A message without a key is sent at once. */
  add(message: Outgoing, settle: Settle): void {
    const key = message.headers?.[keyHeader];
    if (key === undefined) {
      this.send(message, settle);
      return;
    }
    const name = `${message.subject} ${key}`;
    const queue = this.queues.get(name);
    if (queue === undefined) {
      this.queues.set(name, []);
      this.begin(name, { message, settle });
      return;
    }
    queue.push({ message, settle });
    this.count(1, message);
  }

  private begin(name: string, { message, settle }: Waiting): void {
    this.send(message, (error) => {
      settle(error);
      queueMicrotask(() => this.next(name)); // a message may be settled at once
    });
  }

  private next(name: string): void {
    const next = this.queues.get(name)?.shift();
    if (next === undefined) {
      this.queues.delete(name);
      return;
    }
    this.count(-1, next.message);
    this.begin(name, next);
  }

  private count(sign: 1 | -1, { payload }: Outgoing): void {
    const hadRoom = this.hasRoom;
    this.messages += sign;
    this.bytes += sign * payload.length;
    if (this.hasRoom && !hadRoom) this.onRoom();
  }
}
