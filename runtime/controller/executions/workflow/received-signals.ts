import { isReceived, type ReceivedMarks, type SignalMark } from '../ports/signal-marks';

/** Senders that are remembered: far more than controllers send at a time. */
const maxSenders = 20;

/** Which signals a workflow has received, by their marks. */
export class ReceivedSignals {
  private readonly senders: Map<string, ReceivedMarks[string]>;

  constructor(received: ReceivedMarks = {}) {
    this.senders = new Map(Object.entries(received));
  }

  /** False for a signal that was received before. */
  take({ sender, number }: SignalMark): boolean {
    if (this.isReceived({ sender, number })) return false;
    const { last = 0, missing = [] } = this.senders.get(sender) ?? {};
    const skipped = Array.from({ length: Math.max(0, number - last - 1) }, (_, index) => last + 1 + index);
    this.senders.delete(sender); // the latest comes last
    this.senders.set(sender, {
      last: Math.max(last, number),
      missing: [...missing.filter((each) => each !== number), ...skipped],
    });
    for (const oldest of [...this.senders.keys()].slice(0, -maxSenders)) this.senders.delete(oldest);
    return true;
  }

  isReceived(mark: SignalMark): boolean {
    return isReceived(this.marks(), mark);
  }

  marks(): ReceivedMarks {
    return Object.fromEntries(this.senders);
  }
}
