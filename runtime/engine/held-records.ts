import { StateError } from '../../lib/errors';
import type { OutputSpec } from '../../lib/plan/function-spec';
import type { Delivery } from './ports/delivery';
import type { Download, Failure, LogSubject } from './ports/host';
import type { RecordSpan, RecordTracer } from './ports/record-tracer';
import { type TraceContext, traceIdOf, traceOf } from './trace/trace-context';

/**
 * The state of a record, from pull to ack or nak.
 *
 *   queued -> preparing -> running -> (waiting) -> publishing -> settled
 *
 * A record waits only if its function requests acks itself. A record can be nak'd, and so become settled, in any state. One
 * transition leads to an earlier state: a running or waiting record is queued again when its host is gone.
 */
export const RecordState = {
  Queued: 'queued',
  Preparing: 'preparing',
  Running: 'running',
  Waiting: 'waiting',
  Publishing: 'publishing',
  Settled: 'settled',
} as const;
export type RecordState = (typeof RecordState)[keyof typeof RecordState];

const rank = Object.fromEntries(Object.values(RecordState).map((state, index) => [state, index])) as {
  readonly [State in RecordState]: number;
};

/** An output that is sent when its record's ack is requested. */
export interface KeptOutput {
  readonly output: OutputSpec;
  readonly index: number;
  readonly payload: Uint8Array;
}

export class HeldRecord {
  private current: RecordState = RecordState.Queued;
  private context: TraceContext | undefined;
  private span: RecordSpan | undefined;
  /** The latest delivery of the message: a redelivery while the record is held replaces it. */
  delivery: Delivery;
  /** The record's Avro message; a claim until the payload is fetched. */
  payload: Uint8Array;
  /** Size of the payload, also while only its claim is held. */
  bytes: number;
  download?: Download;
  /** Indexes of the outputs that earlier deliveries published, when the stream may have forgotten their ids. */
  published?: ReadonlySet<number>;
  outputs = 0;
  unsettledOutputs = 0;
  kept: KeptOutput[] = [];
  /** The record was acked together with others by a replica that ended before the ack arrived. */
  wasAcked = false;
  /** Indexes of outputs that were refused for good; undefined without any. */
  private refused: Set<number> | undefined;
  /** Outputs of an earlier run of this delivery, if it had more than this one. */
  private earlierOutputs = 0;
  /** Its dead letter is stored already: an earlier delivery wrote the letter, and was not acked. */
  isDead = false;
  failure?: Failure;
  /** Start of processing or last heartbeat, later by the time that does not count; ms since 1970. */
  aliveAt?: number;
  /** The host has reported that it started the record, and not that the record waits again. */
  hasBegun = false;
  /** Runs of the record in this replica that ended with their host. */
  rewinds = 0;
  /** Whether its lone attempt is noted where it survives the end of the replica. */
  isNoted = false;
  /** Start of processing by `performance.now()`, while the function processes the record and times are measured. */
  startedAtMs?: number;
  /** Download time of the record's file. */
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

  /** `record <stream>:<sequence>`, the same at each delivery. */
  get name(): string {
    return `record ${this.place}`;
  }

  /** What a line of the log about this record has. */
  get subject(): LogSubject {
    return { record: this.place, trace_id: traceIdOf(this.trace) };
  }

  /** The trace context that its outputs, and its dead letter, continue. */
  get trace(): TraceContext {
    this.context ??= traceOf(this.delivery);
    return this.context;
  }

  /** Whether the span of this attempt has begun. */
  get isTraced(): boolean {
    return this.span !== undefined;
  }

  /** Begins the span of this attempt, once: what follows is a part of it. */
  traceBy(tracer: RecordTracer): RecordSpan {
    if (this.span === undefined) {
      this.span = tracer.process(this);
      this.context = this.span.trace;
    }
    return this.span;
  }

  private get place(): string {
    return `${this.delivery.stream}:${this.delivery.sequence}`;
  }

  /** The host is gone: the record runs again from its first output. Throws StateError unless the record is running or waits. */
  rewind(): void {
    if (this.current !== RecordState.Running && this.current !== RecordState.Waiting) {
      throw new StateError('state-invalid', `record ${this.id} is ${this.current} and cannot run again`);
    }
    this.current = RecordState.Queued;
    this.rewinds++;
    this.earlierOutputs = Math.max(this.earlierOutputs, this.outputs);
    this.outputs = 0;
    this.kept = [];
    this.aliveAt = undefined;
    this.hasBegun = false;
  }

  /** An output was stored, or refused for good; one that waits for an ack is not stored. */
  outputSettled(index: number, isStored: boolean): void {
    if (!isStored) this.refused = (this.refused ?? new Set()).add(index);
    else this.refused?.delete(index); // it was refused in an earlier run
  }

  /** Indexes of the outputs that this delivery has stored. Call it when none is unsettled. */
  storedOutputs(): readonly number[] {
    const count = Math.max(this.outputs, this.earlierOutputs);
    const indexes = Array.from({ length: count }, (_, index) => index);
    return this.refused === undefined ? indexes : indexes.filter((index) => !this.refused?.has(index));
  }

  /** Throws StateError unless `next` is a later state. */
  advance(next: RecordState): void {
    if (rank[next] <= rank[this.current]) {
      throw new StateError('state-invalid', `record ${this.id} is ${this.current} and cannot become ${next}`);
    }
    this.current = next;
  }
}

/** What tells one message from another. */
export type MessagePlace = Pick<Delivery, 'stream' | 'sequence' | 'timestampMs'>;

/** The records that a replica holds, by id and by message: a message is held once. */
export class HeldRecords {
  private readonly byId = new Map<number, HeldRecord>();
  /** By stream and sequence. */
  private readonly byMessage = new Map<string, Map<number, HeldRecord>>();
  private nextId = 0;
  /** Payload bytes of all held records; a claim counts with the size of its payload. */
  bytes = 0;

  get size(): number {
    return this.byId.size;
  }

  get(id: number): HeldRecord | undefined {
    return this.byId.get(id);
  }

  /** The record of the delivered message. A recreated stream counts from 1 again, so the time must be the same, too. */
  ofMessage({ stream, sequence, timestampMs }: MessagePlace): HeldRecord | undefined {
    const record = this.byMessage.get(stream)?.get(sequence);
    return record?.delivery.timestampMs === timestampMs ? record : undefined;
  }

  add(input: number, delivery: Delivery): HeldRecord {
    const record = new HeldRecord(this.nextId++, input, delivery);
    this.byId.set(record.id, record);
    const ofStream = this.byMessage.get(delivery.stream) ?? new Map<number, HeldRecord>();
    this.byMessage.set(delivery.stream, ofStream.set(delivery.sequence, record));
    this.bytes += record.bytes;
    return record;
  }

  /** Sets the size of a record's payload. */
  resize(record: HeldRecord, bytes: number): void {
    this.bytes += bytes - record.bytes;
    record.bytes = bytes;
  }

  remove(record: HeldRecord): void {
    if (!this.byId.delete(record.id)) return;
    const { stream, sequence } = record.delivery;
    const ofStream = this.byMessage.get(stream);
    if (ofStream?.get(sequence) === record) ofStream.delete(sequence);
    this.bytes -= record.bytes;
  }

  values(): IterableIterator<HeldRecord> {
    return this.byId.values();
  }
}
