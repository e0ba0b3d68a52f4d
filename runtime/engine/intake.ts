import type { HeldRecords } from './held-records';
import { type HeldRecord, RecordState } from './held-records';
import type { Delivery, DeliverySource } from './ports/delivery';
import type { Preparation } from './preparation';
import { PullWindow } from './pull-window';

/** Records one replica holds, at the start and at most, and bytes; beyond that it pulls no more. */
const startHeldRecords = 8;
const maxHeldRecords = 1_000;
const maxHeldBytes = 32 * 1024 * 1024;
/** Records whose payload or object is being fetched at once. */
const maxPreparing = 16;

export interface IntakeEvents {
  /** The records have all they need. */
  ready(records: readonly HeldRecord[]): void;
  /** The record's message or object could not be had. */
  unreadable(record: HeldRecord, error: unknown): void;
  /** What was fetched for a record is left behind. */
  notRemoved(record: HeldRecord, error: unknown): void;
}

/**
 * Pulls messages as there is room for them, and fetches what they only name.
 *
 * I1. A message is held once: a redelivery of a held message replaces its delivery and starts nothing.
 * I2. What is held, and so what is pulled, is bounded in records, by what the function gets through, and in bytes; what
 *     is fetched, in bytes.
 */
export class Intake {
  private waiting: HeldRecord[] = [];
  private readonly prepared = new Set<HeldRecord>();
  private preparedBytes = 0;
  private preparing = 0;
  private window = new PullWindow({ least: 1, start: 1, most: maxHeldRecords });
  private stopped = false;
  private pumpScheduled = false;

  constructor(
    private readonly inputs: readonly DeliverySource[],
    private readonly held: HeldRecords,
    private readonly preparation: Preparation,
    private readonly events: IntakeEvents,
  ) {}

  /** `atOnce` records are worked on at once: twice as many may always be held. */
  start(atOnce: number): void {
    const least = Math.min(2 * atOnce, maxHeldRecords);
    this.window = new PullWindow({ least, start: Math.max(least, startHeldRecords), most: maxHeldRecords });
    this.inputs.forEach((input, index) => {
      input.start((delivery) => this.onDelivery(index, delivery));
    });
    this.ask();
  }

  /** Takes no more. */
  stop(): void {
    this.stopped = true;
    for (const input of this.inputs) input.stop();
  }

  /** Forgets the records that wait to be ready; they are the caller's to give back. */
  dropWaiting(): void {
    this.waiting = [];
  }

  /** The record is done with: what was fetched for it goes, and there is room for another. */
  release(record: HeldRecord): void {
    this.window.onFinished(1, this.held.size, performance.now());
    this.schedulePump();
    if (!this.prepared.delete(record)) return;
    this.preparedBytes -= record.bytes;
    this.discard(record);
  }

  private onDelivery(input: number, delivery: Delivery): void {
    const same = this.held.ofMessage(delivery);
    if (same !== undefined) {
      same.delivery = delivery; // I1
      return;
    }
    if (this.stopped) {
      delivery.nak(0);
      return;
    }
    const record = this.held.add(input, delivery);
    this.window.onHeld(performance.now());
    try {
      this.held.resize(record, this.preparation.bytesOf(record));
    } catch (error) {
      this.events.unreadable(record, error);
      return;
    }
    this.waiting.push(record);
    this.schedulePump();
  }

  private schedulePump(): void {
    if (this.pumpScheduled) return;
    this.pumpScheduled = true;
    setImmediate(() => {
      this.pumpScheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    const ready: HeldRecord[] = [];
    let taken = 0;
    for (const record of this.waiting) {
      if (!this.preparation.isNeeded(record)) ready.push(record);
      else if (this.hasRoomToPrepare(record)) void this.prepare(record);
      else break;
      taken++;
    }
    this.waiting = this.waiting.slice(taken);
    if (ready.length > 0) this.events.ready(ready);
    this.ask();
  }

  private hasRoomToPrepare(record: HeldRecord): boolean {
    if (this.preparing >= maxPreparing) return false;
    return this.preparedBytes === 0 || this.preparedBytes + record.bytes <= maxHeldBytes;
  }

  private async prepare(record: HeldRecord): Promise<void> {
    record.advance(RecordState.Preparing);
    this.preparing++;
    this.prepared.add(record);
    this.preparedBytes += record.bytes;
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.preparation.prepare(record);
    } catch (error) {
      failure = { error };
    }
    this.preparing--;
    this.schedulePump();
    if (record.state !== RecordState.Preparing)
      this.discard(record); // given back meanwhile
    else if (failure === undefined) this.events.ready([record]);
    else this.events.unreadable(record, failure.error);
  }

  private discard(record: HeldRecord): void {
    this.preparation.release(record).catch((error) => this.events.notRemoved(record, error));
  }

  private ask(): void {
    if (this.stopped) return;
    const records = Math.max(0, Math.ceil((this.window.size - this.held.size) / this.inputs.length));
    const bytes = Math.floor((maxHeldBytes - this.held.bytes) / this.inputs.length);
    for (const input of this.inputs) input.demand(records, bytes);
  }
}
