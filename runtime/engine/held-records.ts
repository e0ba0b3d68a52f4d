import { HeldRecord } from './held-record';
import type { Delivery } from './ports/delivery';

/** The records a replica holds, by id and by message: a message is held once. */
export class HeldRecords {
  private readonly byId = new Map<number, HeldRecord>();
  private readonly byMessage = new Map<string, HeldRecord>();
  private nextId = 0;
  /** Payload bytes of all records held, claims counted as what they stand for. */
  bytes = 0;

  get size(): number {
    return this.byId.size;
  }

  get(id: number): HeldRecord | undefined {
    return this.byId.get(id);
  }

  ofMessage(delivery: Delivery): HeldRecord | undefined {
    return this.byMessage.get(messageOf(delivery));
  }

  add(input: number, delivery: Delivery): HeldRecord {
    const record = new HeldRecord(this.nextId++, input, delivery);
    this.byId.set(record.id, record);
    this.byMessage.set(messageOf(delivery), record);
    this.bytes += record.bytes;
    return record;
  }

  /** Counts the record with what its claim stands for. */
  resize(record: HeldRecord, bytes: number): void {
    this.bytes += bytes - record.bytes;
    record.bytes = bytes;
  }

  remove(record: HeldRecord): void {
    if (!this.byId.delete(record.id)) return;
    this.byMessage.delete(messageOf(record.delivery));
    this.bytes -= record.bytes;
  }

  values(): IterableIterator<HeldRecord> {
    return this.byId.values();
  }
}

function messageOf(delivery: Delivery): string {
  return `${delivery.stream}:${delivery.sequence}`;
}
