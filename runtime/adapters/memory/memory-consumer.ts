import type { ConsumerProgress } from '../../engine/completion';
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
 */
export class MemoryConsumer {
  private delivered = 0;
  private floor = 0;
  /** Above the floor. */
  private readonly acked = new Set<number>();
  /** Number of deliveries of each unacked message. */
  private readonly counts = new Map<number, number>();
  private readonly again: number[] = [];
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
      this.returned(reader.takeHeld());
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
    this.counts.delete(sequence);
    while (this.acked.delete(this.floor + 1)) this.floor++;
  }

  nak(sequence: number, delayMs: number): void {
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
      const reader = this.readers.find(({ hasRoom }) => hasRoom);
      const message = reader === undefined ? undefined : this.next();
      if (reader === undefined || message === undefined) return;
      this.readers = [...this.readers.filter((each) => each !== reader), reader]; // in turn
      const deliveries = (this.counts.get(message.sequence) ?? 0) + 1;
      this.counts.set(message.sequence, deliveries);
      reader.take(message, deliveries);
    }
  }

  private next(): MemoryMessage | undefined {
    const sequence = this.again.shift() ?? this.delivered + 1;
    const message = this.stream.get(sequence);
    if (message !== undefined) this.delivered = Math.max(this.delivered, sequence);
    return message;
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

  get hasRoom(): boolean {
    return this.onDelivery !== undefined && this.room > 0;
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
    const traceparent = headers?.traceparent;
    this.room--;
    this.held.add(sequence);
    const delivery: Delivery = {
      stream: this.consumer.streamName,
      sequence,
      deliveries,
      timestampMs,
      payload,
      handle: `${this.consumer.streamName}.${sequence}.${deliveries}`,
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
