import type { HeldRecords } from './held-records';
import { type HeldRecord, RecordState } from './held-records';
import type { Delivery, DeliverySource, RedriveSource } from './ports/delivery';
import type { Preparation } from './preparation';
import { PullWindow } from './pull-window';

/** Limits of what one replica holds: records at the start, records at most, and payload bytes. */
const startHeldRecords = 8;
const maxHeldRecords = 1_000;
const maxHeldBytes = 32 * 1024 * 1024;
/** Records that are prepared concurrently. */
const maxPreparing = 16;

export interface IntakeEvents {
  /** The record was delivered: called in the order of delivery. */
  arrived(record: HeldRecord): void;
  /** A message that was given back does not come again. */
  gone(input: number, sequence: number): void;
  /** Whether prepared records wait for this one: it is prepared although there is no room. */
  isAwaited(record: HeldRecord): boolean;
  /** The records are prepared. */
  ready(records: readonly HeldRecord[]): void;
  /** The record's dead letter is stored: it is not processed. */
  dead(record: HeldRecord): void;
  /** The record's message is malformed, or its preparation failed. */
  unreadable(record: HeldRecord, error: unknown): void;
  /** What was downloaded for the record could not be deleted. */
  discardFailed(record: HeldRecord, error: unknown): void;
}

/** Held records that do not count, and their payload bytes. */
interface Aside {
  readonly records: number;
  readonly bytes: number;
}

const nothingAside: Aside = { records: 0, bytes: 0 };

function windowOf(concurrency: number, holdsBulks: boolean): PullWindow {
  const most = holdsBulks ? Math.max(2 * concurrency, maxHeldRecords) : maxHeldRecords;
  const least = Math.min(2 * concurrency, most);
  return new PullWindow({ least, start: Math.max(least, startHeldRecords), most });
}

export interface IntakeOptions {
  /** The intake holds one record of each input, until it is widened. */
  readonly isCautious: boolean;
  /** The host waits for a bulk of `concurrency` records: two of them are always held, however many records that are. */
  readonly holdsBulks: boolean;
  /** What is set aside does not count. */
  readonly aside: () => Aside;
}

/**
 * Pulls messages while there is room for them, and prepares their records.
 *
 * I1. A message is held once: a redelivery of a held message replaces its delivery and starts nothing.
 * I2. Held records are limited in number, by the function's throughput, and in bytes; prepared records in bytes.
 * I3. A cautious intake holds one record of each input.
 * I4. A look-up for a record reorders nothing: those behind it wait. What is fetched or downloaded may be overtaken.
 */
export class Intake {
  private waiting: HeldRecord[] = [];
  /** Records that are handed over in this order: those that need nothing, and those that are looked up. */
  private line: HeldRecord[] = [];
  private readonly lookedUp = new Set<HeldRecord>();
  private readonly prepared = new Set<HeldRecord>();
  /** Records that were set aside. */
  private readonly besides = new Set<HeldRecord>();
  private preparedBytes = 0;
  private preparing = 0;
  private window = new PullWindow({ least: 1, start: 1, most: 1 });
  private aside: () => Aside = () => nothingAside;
  private holdsBulks = false;
  private isStopped = false;
  private pumpScheduled = false;

  private readonly inputs: readonly DeliverySource[];
  private readonly redrives: RedriveSource | undefined;
  private readonly preparation: Preparation;

  constructor(
    ports: {
      readonly inputs: readonly DeliverySource[];
      readonly redrives?: RedriveSource;
      readonly preparation: Preparation;
    },
    private readonly held: HeldRecords,
    private readonly events: IntakeEvents,
  ) {
    this.inputs = ports.inputs;
    this.redrives = ports.redrives;
    this.preparation = ports.preparation;
  }

  /**
   * The host processes `concurrency` records at a time: twice as many may always be held, unless the intake is cautious. What
   * is set aside does not count.
   */
  start(concurrency: number, { isCautious = false, holdsBulks = false, aside }: Partial<IntakeOptions> = {}): void {
    this.holdsBulks = holdsBulks;
    if (aside !== undefined) this.aside = aside;
    if (!isCautious) this.window = windowOf(concurrency, holdsBulks);
    this.inputs.forEach((input, index) => {
      input.start(
        (delivery) => this.onDelivery(index, delivery),
        (sequence) => this.events.gone(index, sequence),
      );
    });
    this.redrives?.start((input, delivery) => this.onDelivery(input, delivery));
    this.requestMore();
  }

  /** Ends the caution. */
  widen(concurrency: number): void {
    this.window = windowOf(concurrency, this.holdsBulks);
    this.schedulePump();
  }

  /** Stops pulling. */
  stop(): void {
    this.isStopped = true;
    for (const input of this.inputs) input.stop();
    this.redrives?.stop();
  }

  /** Drops the queued records; the caller naks them. */
  dropWaiting(): void {
    this.waiting = [];
    this.line = [];
  }

  /** The record has ended, and is held aside: makes room for another. */
  setAside(record: HeldRecord): void {
    this.window.onFinished(1, this.held.size - this.aside().records, performance.now());
    this.schedulePump();
    if (this.prepared.has(record)) this.preparedBytes -= record.bytes;
    this.besides.add(record);
  }

  /** The record is settled: deletes what was downloaded for it, unless it is kept, and makes room for another. */
  release(record: HeldRecord, keepsFile = false): void {
    const wasAside = this.besides.delete(record);
    if (!wasAside) this.window.onFinished(1, this.held.size, performance.now());
    this.schedulePump();
    if (!this.prepared.delete(record)) return;
    if (!wasAside) this.preparedBytes -= record.bytes;
    if (!keepsFile) this.discard(record);
  }

  private onDelivery(input: number, delivery: Delivery): void {
    const same = this.held.ofMessage(delivery);
    if (same !== undefined) {
      same.delivery = delivery; // I1
      return;
    }
    if (this.isStopped) {
      delivery.nak(0);
      return;
    }
    const record = this.held.add(input, delivery);
    this.events.arrived(record);
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
    const left: HeldRecord[] = [];
    let isFull = false;
    for (const record of this.waiting) {
      const isNeeded = this.preparation.isNeeded(record);
      isFull ||= isNeeded && !this.hasRoomToPrepare(record);
      if (isFull && !this.events.isAwaited(record)) {
        left.push(record);
        continue;
      }
      const keepsPlace = !this.preparation.fetches(record);
      if (keepsPlace) this.line.push(record);
      if (isNeeded) void this.prepare(record, keepsPlace);
    }
    this.waiting = left;
    this.advanceLine();
    this.requestMore();
  }

  /** Hands over the records in front of the first one that is being looked up (I4). */
  private advanceLine(): void {
    const end = this.line.findIndex((record) => this.lookedUp.has(record));
    const front = this.line.splice(0, end < 0 ? this.line.length : end);
    const ready = front.filter(({ state }) => state === RecordState.Queued || state === RecordState.Preparing);
    if (ready.length > 0) this.events.ready(ready);
  }

  private hasRoomToPrepare(record: HeldRecord): boolean {
    if (this.preparing >= maxPreparing) return false;
    return this.preparedBytes === 0 || this.preparedBytes + record.bytes <= maxHeldBytes;
  }

  private async prepare(record: HeldRecord, keepsPlace: boolean): Promise<void> {
    if (keepsPlace) this.lookedUp.add(record);
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
    this.lookedUp.delete(record);
    this.schedulePump();
    if (record.state !== RecordState.Preparing)
      this.discard(record); // nak'd during the preparation
    else if (record.isDead) this.events.dead(record);
    else if (failure !== undefined) this.events.unreadable(record, failure.error);
    else if (!keepsPlace) this.events.ready([record]);
    this.advanceLine();
  }

  private discard(record: HeldRecord): void {
    this.preparation.release(record).catch((error) => this.events.discardFailed(record, error));
  }

  private requestMore(): void {
    if (this.isStopped) return;
    const aside = this.aside();
    const records = Math.max(0, Math.ceil((this.window.size - this.held.size + aside.records) / this.inputs.length));
    const bytes = Math.floor((maxHeldBytes - this.held.bytes + aside.bytes) / this.inputs.length);
    for (const input of this.inputs) input.demand(records, bytes);
    this.redrives?.demand(records, bytes);
  }
}
