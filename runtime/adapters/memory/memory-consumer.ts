import type { ConsumerProgress } from '../../engine/completion';
import { keyHeader } from '../../engine/order/record-key';
import type { Delivery, DeliverySource } from '../../engine/ports/delivery';
import type { MemoryConnection } from './memory-connection';
import type { MemoryMessage, MemoryStream } from './memory-streams';

export interface MemoryReaderProps {
  readonly connection: MemoryConnection;
  /** Called before an ack takes effect; a connection that is closed meanwhile loses the ack. */
  readonly onAck?: (delivery: Delivery) => void;
}

/** How much sooner than it asks for a nak'd message comes again: delays are those of outages, and nothing is away here. */
const delayDivisor = 100;

/**
 * A durable consumer of a stream in memory, which its readers share.
 *
 * I1. An unacked message is held by one reader, waits for a delay, or waits to be delivered again; what waits comes before new
 *     messages.
 * I2. A lease does not end by time: a reader has its messages until it answers or its connection is closed.
 * I3. A message with a key is delivered only while no earlier one of its key waits, and to the reader that holds others of its
 *     key: so each reader gets them in order, whatever becomes of the readers before.
 */
export class MemoryConsumer {
  private delivered = 0;
  private floor = 0;
  /** Above the floor. */
  private readonly acked = new Set<number>();
  /** Number of deliveries of each unacked message. */
  private readonly counts = new Map<number, number>();
  /** Sequences that wait to be delivered, in ascending order. */
  private readonly again: number[] = [];
  /** Of each key, its unacked messages that were delivered or wait, with the readers that hold them. */
  private readonly byKey = new Map<string, Map<number, MemoryReader | undefined>>();
  private readers: MemoryReader[] = [];
  private isScheduled = false;

  constructor(private readonly stream: MemoryStream) {
    stream.onStored(() => this.schedule());
  }

  /** A source of deliveries for one replica. */
  reader(props: MemoryReaderProps): DeliverySource {
    const reader = new MemoryReader(this, props);
    props.connection.onClose(() => {
      this.readers = this.readers.filter((each) => each !== reader);
      const held = reader.takeHeld();
      for (const sequence of held) this.withKey(sequence, (unacked) => unacked.set(sequence, undefined));
      this.returned(held);
    });
    this.readers.push(reader);
    return reader;
  }

  progress(): ConsumerProgress {
    const { delivered, floor, stream } = this;
    return {
      ackFloor: floor,
      delivered,
      ackPending: delivered - floor - this.acked.size,
      pending: stream.lastSequence - delivered,
    };
  }

  get streamName(): string {
    return this.stream.name;
  }

  ack(sequence: number): void {
    if (sequence <= this.floor) return;
    this.acked.add(sequence);
    this.withKey(sequence, (unacked, key) => {
      unacked.delete(sequence);
      if (unacked.size === 0) this.byKey.delete(key);
    });
    this.counts.delete(sequence);
    while (this.acked.delete(this.floor + 1)) this.floor++;
  }

  nak(sequence: number, delayMs: number): void {
    this.withKey(sequence, (unacked) => unacked.set(sequence, undefined));
    if (delayMs === 0) this.returned([sequence]);
    else setTimeout(() => this.returned([sequence]), delayMs / delayDivisor);
  }

  /** Delivers what there is room for, in a later turn of the event loop. */
  schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.deliver();
    });
  }

  private returned(sequences: readonly number[]): void {
    this.again.push(...sequences);
    this.again.sort((one, other) => one - other);
    this.schedule();
  }

  private deliver(): void {
    for (;;) {
      const at = this.again.findIndex((sequence) => this.readerFor(sequence) !== undefined);
      const [sequence] = at < 0 ? [] : this.again.splice(at, 1);
      if (sequence !== undefined) this.pass(sequence);
      else if (this.delivered === this.stream.lastSequence || !this.readers.some(({ hasRoom }) => hasRoom)) return;
      else this.admit(++this.delivered);
    }
  }

  /** A new message waits behind the others. */
  private admit(sequence: number): void {
    const key = this.keyOf(sequence);
    if (key !== undefined) this.byKey.set(key, (this.byKey.get(key) ?? new Map()).set(sequence, undefined));
    this.again.push(sequence);
  }

  private pass(sequence: number): void {
    const reader = this.readerFor(sequence);
    const message = this.stream.get(sequence);
    if (reader === undefined || message === undefined) return;
    this.readers = [...this.readers.filter((each) => each !== reader), reader]; // in turn
    this.withKey(sequence, (unacked) => unacked.set(sequence, reader));
    const deliveries = (this.counts.get(sequence) ?? 0) + 1;
    this.counts.set(sequence, deliveries);
    reader.take(message, deliveries);
  }

  /** I3: the reader that may get a waiting message now. */
  private readerFor(sequence: number): MemoryReader | undefined {
    const key = this.keyOf(sequence);
    const ofKey = key === undefined ? undefined : this.byKey.get(key);
    let owner: MemoryReader | undefined;
    for (const [other, holder] of ofKey ?? []) {
      if (other < sequence && holder === undefined) return undefined;
      owner ??= holder;
    }
    if (owner === undefined) return this.readers.find(({ hasRoom }) => hasRoom);
    return owner.isStarted ? owner : undefined; // what comes again has room where others wait for it
  }

  private keyOf(sequence: number): string | undefined {
    return this.stream.get(sequence)?.headers?.[keyHeader];
  }

  private withKey(
    sequence: number,
    change: (unacked: Map<number, MemoryReader | undefined>, key: string) => void,
  ): void {
    const key = this.keyOf(sequence);
    const unacked = key === undefined ? undefined : this.byKey.get(key);
    if (key !== undefined && unacked !== undefined) change(unacked, key);
  }
}

class MemoryReader implements DeliverySource {
  private readonly held = new Set<number>();
  private room = 0;
  private onDelivery: ((delivery: Delivery) => void) | undefined;

  constructor(
    private readonly consumer: MemoryConsumer,
    private readonly props: MemoryReaderProps,
  ) {}

  get isStarted(): boolean {
    return this.onDelivery !== undefined;
  }

  get hasRoom(): boolean {
    return this.isStarted && this.room > 0;
  }

  start(onDelivery: (delivery: Delivery) => void): void {
    this.onDelivery = onDelivery;
    this.consumer.schedule();
  }

  demand(messages: number, bytes: number): void {
    this.room = bytes > 0 ? messages : 0;
    if (this.room > 0) this.consumer.schedule();
  }

  stop(): void {
    this.onDelivery = undefined;
  }

  take(message: MemoryMessage, deliveries: number): void {
    const { sequence, timestampMs, payload, headers } = message;
    const { traceparent, [keyHeader]: key } = headers ?? {};
    this.room--;
    this.held.add(sequence);
    const delivery: Delivery = {
      stream: this.consumer.streamName,
      sequence,
      deliveries,
      timestampMs,
      payload,
      handle: `${this.consumer.streamName}.${sequence}.${deliveries}`,
      ...(key === undefined ? {} : { key }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ack: () => {
        this.props.onAck?.(delivery);
        if (this.answers(sequence)) this.consumer.ack(sequence);
      },
      nak: (delayMs) => {
        if (this.answers(sequence)) this.consumer.nak(sequence, delayMs);
      },
      working: () => undefined,
    };
    this.onDelivery?.(delivery);
  }

  /** The messages without an answer. */
  takeHeld(): readonly number[] {
    const held = [...this.held];
    this.held.clear();
    return held;
  }

  /** Whether this is the first answer to the message. */
  private answers(sequence: number): boolean {
    return !this.props.connection.isClosed && this.held.delete(sequence);
  }
}
