import type { Delivery } from '../ports/delivery';

/** What a consumer says about itself. */
export interface ConsumerCounts {
  /** Number of its last delivery; redeliveries count. */
  readonly deliveries: number;
  /** The last sequence that it has delivered, or passed. A server that was killed may have forgotten the last ones. */
  readonly delivered: number;
  /** Messages that are delivered and not acked. */
  readonly ackPending: number;
}

/** What follows from the counts of a consumer. */
export interface Settled {
  /** Messages that are passed on, in their order. */
  readonly passed: readonly Delivery[];
  /** Sequences of messages that this replica has given back, and that will not come again. */
  readonly gone: readonly number[];
}

/** Acked messages that are remembered, the latest ones. */
const maxAcked = 10_000;
/** A message that was given back is delivered again before: the longest delay, the lease, and as much again. */
const goneAfterMs = 90_000;
const nothing: Settled = { passed: [], gone: [] };

/**
 * Decides which messages of a partition this replica may begin with. Others may read the partition too, for a while: one that is
 * to end, or one that was presumed dead.
 *
 * G1. A message is passed on only if every message of the partition before it is acked, or was passed on or given back here
 *     and is not settled yet.
 * G2. While the gate is open, that holds: the deliveries of the consumer are numbered without a gap, so nobody else has got
 *     one, and none was lost.
 * G3. A closed gate opens when as many messages are unacked as this replica holds: all of them are its own. Nothing may be
 *     received, acked or given back while the consumer is asked. What was given back does not count: another may have it.
 * G4. A message that this replica has acked is not passed on again. One that was passed on and is not acked is passed on
 *     whenever it comes, through a closed gate, too: what is held behind it may wait for it.
 * G5. A message that was given back is gone only if the consumer has delivered it and it is not unacked: else it comes again.
 * G6. What is in hand may wait for what the gate holds, as a group of records that are acked together does. So what does not
 *     count can be given back and is kept: it counts when it is delivered again.
 */
export class PartitionGate {
  /** Number of the next delivery; undefined while the gate is closed. */
  private next: number | undefined;
  /** Sequences of messages that are held here, and count. */
  private readonly unacked = new Set<number>();
  /** Messages that were passed on, and neither acked nor given back, by sequence. */
  private readonly inHand = new Map<number, Delivery>();
  /** When messages that were passed on were given back, by sequence; ms of a monotonic clock. */
  private readonly returned = new Map<number, number>();
  private readonly acked = new Set<number>();
  private waiting = new Map<number, Delivery>();
  private version = 0;

  /** Whether messages are passed on as they come. */
  get isOpen(): boolean {
    return this.next !== undefined;
  }

  /** Messages that wait until the gate opens. */
  get held(): readonly Delivery[] {
    return [...this.waiting.values()];
  }

  /** Bytes of the messages that wait. */
  get heldBytes(): number {
    let bytes = 0;
    for (const { payload } of this.waiting.values()) bytes += payload.length;
    return bytes;
  }

  /** Whether no message was passed on here that is not acked. */
  get isEmptyHanded(): boolean {
    return this.inHand.size === 0 && this.returned.size === 0;
  }

  /** Messages in hand that do not count (G6). */
  get uncounted(): readonly Delivery[] {
    return [...this.inHand.values()].filter(({ sequence }) => !this.unacked.has(sequence));
  }

  /** Changes with everything that is received, acked or given back. */
  get changes(): number {
    return this.version;
  }

  /** Takes a delivery with its number; returns it if it is passed on. */
  receive(delivery: Delivery, number: number): Delivery | undefined {
    this.version++;
    if (this.next === number) this.next++;
    else this.next = undefined; // G2
    const { sequence } = delivery;
    if (this.acked.has(sequence)) {
      delivery.ack(); // G4
      return undefined;
    }
    this.unacked.add(sequence);
    if (this.next === undefined && !this.inHand.has(sequence) && !this.returned.has(sequence)) {
      this.waiting.set(sequence, delivery);
      return undefined;
    }
    this.returned.delete(sequence);
    this.inHand.set(sequence, delivery);
    return delivery;
  }

  /** The message was acked. */
  ended(sequence: number): void {
    this.leave(sequence);
    this.acked.add(sequence);
    const [oldest] = this.acked;
    if (this.acked.size > maxAcked && oldest !== undefined) this.acked.delete(oldest);
  }

  /** The message was given back. */
  gaveBack(sequence: number, nowMs: number): void {
    const wasInHand = this.inHand.has(sequence);
    this.leave(sequence);
    if (wasInHand) this.returned.set(sequence, nowMs);
  }

  /**
   * The leases of what is held may have ended, or the consumer may be another one: the gate closes, and what is held counts when
   * it is delivered again. Returns the messages that wait, to be given back.
   */
  doubt(): readonly Delivery[] {
    this.version++;
    this.next = undefined;
    const taken = this.held;
    this.waiting = new Map();
    this.unacked.clear();
    return taken;
  }

  /**
   * Opens the gate if every unacked message is held here (G3). `changes` is what it was before the consumer was asked; the time
   * is that of `gaveBack`.
   */
  settle(counts: ConsumerCounts, changes: number, nowMs: number): Settled {
    if (changes !== this.version) return nothing;
    const others = this.othersOf(counts);
    if (this.isOpen) return { passed: [], gone: this.takeMissing(counts, nowMs) };
    if (others !== 0) return nothing;
    this.next = counts.deliveries + 1;
    const passed = this.held.toSorted((one, other) => one.sequence - other.sequence);
    for (const delivery of passed) this.inHand.set(delivery.sequence, delivery);
    this.waiting = new Map();
    return { passed, gone: this.takeReturned(() => true, counts) };
  }

  /** Whether a message was given back and has not come again. */
  get misses(): boolean {
    return this.returned.size > 0;
  }

  /** Whether a message was given back so long ago that it may be gone. */
  mayMiss(nowMs: number): boolean {
    return this.overdue(nowMs).length > 0;
  }

  /** Unacked messages that are not held here. */
  othersOf({ ackPending }: ConsumerCounts): number {
    return ackPending - this.unacked.size;
  }

  /** Messages that were given back long ago, if nobody has them: they were removed from the stream. */
  private takeMissing(counts: ConsumerCounts, nowMs: number): readonly number[] {
    const overdue = new Set(this.overdue(nowMs));
    if (this.othersOf(counts) !== this.returned.size - overdue.size) return [];
    return this.takeReturned((sequence) => overdue.has(sequence), counts);
  }

  /** G5 */
  private takeReturned(isTaken: (sequence: number) => boolean, { delivered }: ConsumerCounts): readonly number[] {
    const taken = [...this.returned.keys()].filter((sequence) => sequence <= delivered && isTaken(sequence));
    for (const sequence of taken) this.returned.delete(sequence);
    return taken;
  }

  private overdue(nowMs: number): number[] {
    return [...this.returned].filter(([, atMs]) => nowMs - atMs > goneAfterMs).map(([sequence]) => sequence);
  }

  private leave(sequence: number): void {
    this.version++;
    this.unacked.delete(sequence);
    this.inHand.delete(sequence);
    this.waiting.delete(sequence);
    this.returned.delete(sequence);
  }
}
