import type { StoredEvent } from '../../../controller/executions/ports/task-events';
import type { StreamMessage } from '../stream-reader';
import { type Receipt, type StoredReceipt, storedReceipt } from './event-log';

/** An event with the receipts of those that have processed it. */
export interface ListedEvent {
  readonly event: StoredEvent;
  readonly receipts: readonly Receipt[];
}

/** Events by their place, gathered from the live stream and from the archive. */
export class EventList {
  private readonly events = new Map<number, StoredEvent>();
  /** The receipts of an event, each once, by its text. */
  private readonly receipts = new Map<number, Map<string, Receipt>>();

  add(event: StoredEvent): void {
    this.events.set(event.sequence, event);
  }

  /** Adds archived events until there are enough, or all; `read` returns the last messages of the archive. */
  async addArchived(read: (count: number) => Promise<readonly StreamMessage[]>, limit: number): Promise<void> {
    for (let count = 2 * limit; ; count *= 4) {
      const messages = await read(count);
      const archived = messages.map(storedReceipt);
      const places = new Set(archived.map(({ event }) => event?.sequence));
      if (places.size < limit && messages.length === count) continue;
      for (const receipt of archived) {
        if (receipt.event !== undefined) this.add(receipt.event);
        this.addReceipt(receipt, () => false);
      }
      return;
    }
  }

  /** Adds a receipt to its event, or to the last one that it is for. */
  addReceipt({ event, ...receipt }: StoredReceipt, isFor: (id: string) => boolean): void {
    const of = event ?? [...this.events.values()].findLast(({ id }) => isFor(id));
    if (of === undefined) return;
    const known = this.receipts.get(of.sequence) ?? new Map<string, Receipt>();
    this.receipts.set(of.sequence, known.set(JSON.stringify(receipt), receipt));
  }

  /** The last ones, the oldest first. */
  last(limit: number): readonly ListedEvent[] {
    return [...this.events.values()]
      .sort((one, other) => one.sequence - other.sequence)
      .slice(-limit)
      .map((event) => ({ event, receipts: [...(this.receipts.get(event.sequence)?.values() ?? [])] }));
  }
}
