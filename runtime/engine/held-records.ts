import { StateError } from '../../lib/errors';
import type { Delivery } from './ports/delivery';
import type { Download, Failure } from './ports/host';

/**
 * A record from the moment it is pulled until its message is acked or given back.
 *
 *   queued -> preparing -> running -> publishing -> settled
 *
 * A record can be given back (settled) from any state; it never goes back to an earlier state.
 */
export const RecordState = {
  Queued: 'queued',
  Preparing: 'preparing',
  Running: 'running',
  Publishing: 'publishing',
  Settled: 'settled',
} as const;
export type RecordState = (typeof RecordState)[keyof typeof RecordState];

const order: readonly RecordState[] = Object.values(RecordState);

export class HeldRecord {
  private current: RecordState = RecordState.Queued;
  /** The message as JetStream gave it last: a redelivery while it is held replaces it. */
  delivery: Delivery;
  /** The record's Avro message, once it is at hand: a claim is exchanged for what it stands for. */
  payload: Uint8Array;
  /** Bytes it takes, or will take once its claim is exchanged. */
  bytes: number;
  download?: Download;
  /** Outputs that an earlier delivery published before this one's dedupe window began, by index. */
  published?: ReadonlySet<number>;
  outputs = 0;
  unsettledOutputs = 0;
  failure?: Failure;
  /** When the function began it, or last gave a heartbeat; ms since 1970. */
  aliveAt?: number;
  /** While the function works on it, and somebody wants to know: since when, by `performance.now()`. */
  begunAtMs?: number;
  /** How long its file took to download, when it has one. */
  downloadMs?: number;

  constructor(
    readonly id: number,
    readonly input: number,
    delivery: Delivery,
  ) {
    this.delivery = delivery;
    this.payload = delivery.payload;
    this.bytes = delivery.payload.length;
  }

  get state(): RecordState {
    return this.current;
  }

  /** Throws StateError when the record is at or past that state already. */
  advance(next: RecordState): void {
    if (order.indexOf(next) <= order.indexOf(this.current)) {
      throw new StateError('state-invalid', `record ${this.id} is ${this.current} and cannot become ${next}`);
    }
    this.current = next;
  }
}

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
