import type { ClaimSource } from './claim';
import { parseClaim } from './claim';
import type { HeldRecord } from './held-records';
import type { Delivery } from './ports/delivery';
import type { Download } from './ports/host';

/** Finds the outputs that earlier deliveries of a message published. */
export interface OriginLookup {
  /** Indexes of the outputs published for this message. */
  publishedFor(message: Delivery): Promise<ReadonlySet<number>>;
  /** Whether an output names the message among those that were acked with it. */
  wasAcked(message: Delivery): Promise<boolean>;
}

/** Downloads the object that a record names, for functions with automatic download. */
export interface Downloads {
  fetch(payload: Uint8Array): Promise<Download>;
  /** Deletes the file of a settled record. */
  discard(download: Download): Promise<void>;
}

export interface PreparationPorts {
  readonly claims: ClaimSource;
  readonly downloads?: Downloads;
  readonly origins?: OriginLookup;
  readonly dedupeWindowMs: number;
}

/** Fetches what a record needs and its message does not contain: payload, object, earlier outputs. */
export class Preparation {
  private acksManually = false;

  constructor(private readonly ports: PreparationPorts) {}

  /** Size of a record's payload, from the claim if there is one. Throws FunctionError when the message is malformed. */
  bytesOf(record: HeldRecord): number {
    return parseClaim(record.delivery.payload)?.bytes ?? record.delivery.payload.length;
  }

  isNeeded(record: HeldRecord): boolean {
    return this.ports.downloads !== undefined || record.delivery.payload[0] !== 0xc3 || this.needsLookup(record);
  }

  /** The function requests acks itself: a record that was acked with others has no output of its own, perhaps. */
  findAcked(): void {
    this.acksManually = true;
  }

  async prepare(record: HeldRecord): Promise<void> {
    const { origins } = this.ports;
    if (this.acksManually && isAgain(record) && origins !== undefined) {
      record.wasAcked = await origins.wasAcked(record.delivery);
      if (record.wasAcked) return;
    }
    const claim = parseClaim(record.delivery.payload);
    if (claim !== undefined) record.payload = await this.ports.claims.fetch(claim);
    if (this.ports.downloads !== undefined) await this.download(record, this.ports.downloads);
    if (origins !== undefined && this.isOutsideWindow(record)) {
      record.published = await origins.publishedFor(record.delivery);
    }
  }

  async release(record: HeldRecord): Promise<void> {
    if (record.download !== undefined) await this.ports.downloads?.discard(record.download);
  }

  private async download(record: HeldRecord, downloads: Downloads): Promise<void> {
    const startedAtMs = performance.now();
    record.download = await downloads.fetch(record.payload);
    if (record.download.path !== null) record.downloadMs = performance.now() - startedAtMs;
  }

  /** A redelivery so late that the output stream may have forgotten the message ids of the first delivery. */
  private isOutsideWindow(record: HeldRecord): boolean {
    return isAgain(record) && Date.now() - record.delivery.timestampMs > this.ports.dedupeWindowMs / 2;
  }

  private needsLookup(record: HeldRecord): boolean {
    return this.acksManually ? isAgain(record) : this.isOutsideWindow(record);
  }
}

function isAgain({ delivery }: HeldRecord): boolean {
  return delivery.deliveries > 1 || delivery.isRepeated === true;
}
