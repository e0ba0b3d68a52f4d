import type { ClaimSource } from './claim';
import { parseClaim } from './claim';
import type { HeldRecord } from './held-records';
import type { Delivery } from './ports/delivery';
import type { Download, LogSubject } from './ports/host';

/** Finds the outputs that earlier deliveries of a message published. */
export interface OriginLookup {
  /** Indexes of the outputs published for this message. */
  publishedFor(message: Delivery): Promise<ReadonlySet<number>>;
}

/** Finds groups of records that were acked together. */
export interface AckedLookup {
  /** Whether the message is in a group whose outputs are stored. */
  wasAcked(message: Delivery): Promise<boolean>;
}

/** Finds the dead letters that earlier deliveries of a message stored. */
export interface LetterLookup {
  has(message: Delivery): Promise<boolean>;
}

/** Downloads the object that a record names, for functions with automatic download. */
export interface Downloads {
  /** `about` is the record, for the log. */
  fetch(payload: Uint8Array, about?: LogSubject): Promise<Download>;
  /** Deletes the file of a settled record. */
  discard(download: Download): Promise<void>;
}

export interface PreparationPorts {
  readonly claims: ClaimSource;
  readonly downloads?: Downloads;
  readonly origins?: OriginLookup;
  /** Without it, a record whose replica was killed between its letter and its ack is processed again. */
  readonly letters?: LetterLookup;
  readonly dedupeWindowMs: number;
}

/** Fetches what a record needs and its message does not contain: payload, object, earlier outputs. */
export class Preparation {
  private acked: AckedLookup | undefined;

  constructor(private readonly ports: PreparationPorts) {}

  /** Size of a record's payload, from the claim if there is one. Throws FunctionError when the message is malformed. */
  bytesOf(record: HeldRecord): number {
    return parseClaim(record.delivery.payload)?.bytes ?? record.delivery.payload.length;
  }

  isNeeded(record: HeldRecord): boolean {
    const { delivery } = record;
    const { letters } = this.ports;
    if (delivery.redriven !== undefined || (letters !== undefined && isAgain(delivery))) return true;
    return this.fetches(record) || this.needsLookup(record);
  }

  /** Whether more than look-ups are needed: the record's payload or its object. */
  fetches({ delivery }: HeldRecord): boolean {
    return this.ports.downloads !== undefined || delivery.payload[0] !== 0xc3;
  }

  /** The function requests acks itself: a record that was acked with others has no output of its own, perhaps. */
  findAcked(acked: AckedLookup): void {
    this.acked = acked;
  }

  async prepare(record: HeldRecord): Promise<void> {
    const { origins, letters } = this.ports;
    const { delivery } = record;
    if (letters !== undefined && isAgain(delivery)) record.isDead = await letters.has(delivery);
    if (record.isDead) return;
    if (this.acked !== undefined && isAgain(delivery)) {
      record.wasAcked = await this.acked.wasAcked(delivery);
      if (record.wasAcked) return;
    }
    const { redriven } = delivery;
    if (redriven !== undefined) record.published = redriven.stored;
    const claim = parseClaim(delivery.payload);
    if (claim !== undefined) record.payload = await this.ports.claims.fetch(claim);
    if (this.ports.downloads !== undefined) await this.download(record, this.ports.downloads);
    if (origins !== undefined && this.isOutsideWindow(record)) {
      const found = await origins.publishedFor(delivery);
      record.published = redriven === undefined ? found : new Set([...redriven.stored, ...found]);
    }
  }

  async release(record: HeldRecord): Promise<void> {
    if (record.download !== undefined) await this.ports.downloads?.discard(record.download);
  }

  private async download(record: HeldRecord, downloads: Downloads): Promise<void> {
    const startedAtMs = performance.now();
    record.download = await downloads.fetch(record.payload, record.subject);
    if (record.download.path !== null) record.downloadMs = performance.now() - startedAtMs;
  }

  /** A redelivery so late that the output stream may have forgotten the message ids of the first delivery. */
  private isOutsideWindow({ delivery }: HeldRecord): boolean {
    return isAgain(delivery) && Date.now() - delivery.timestampMs > this.ports.dedupeWindowMs / 2;
  }

  private needsLookup(record: HeldRecord): boolean {
    return this.acked === undefined ? this.isOutsideWindow(record) : isAgain(record.delivery);
  }
}

/** Whether an earlier delivery may have been processed. */
export function isAgain({ deliveries, isRepeated }: Delivery): boolean {
  return deliveries > 1 || isRepeated === true;
}
