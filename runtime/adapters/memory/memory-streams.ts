import type { OutputSpec } from '../../../lib/plan/function-spec';
import { partitionSubject } from '../../../lib/plan/partitions';
import type { Outgoing, PublishAck } from '../../engine/ports/publisher';

export interface MemoryMessage extends Outgoing {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly timestampMs: number;
}

/** A stream which stores one message for each id, however late the second one comes; without limits unless it gets one. */
export class MemoryStream {
  private readonly stored: MemoryMessage[] = [];
  private readonly sequences = new Map<string, number>();
  private readonly listeners: (() => void)[] = [];
  /** The stream takes no more messages than these. */
  maxMessages = Number.POSITIVE_INFINITY;

  constructor(readonly name: string) {}

  get messages(): readonly MemoryMessage[] {
    return this.stored;
  }

  get lastSequence(): number {
    return this.stored.length;
  }

  get(sequence: number): MemoryMessage | undefined {
    return this.stored[sequence - 1];
  }

  get isFull(): boolean {
    return this.stored.length >= this.maxMessages;
  }

  /** `listener` is called after each new message. */
  onStored(listener: () => void): void {
    this.listeners.push(listener);
  }

  add(outgoing: Outgoing): PublishAck {
    const known = this.sequences.get(outgoing.id);
    if (known !== undefined) return { stream: this.name, sequence: known, duplicate: true };
    const sequence = this.stored.length + 1;
    this.sequences.set(outgoing.id, sequence);
    // a stream keeps a copy: writers reuse their buffers
    const payload = Uint8Array.from(outgoing.payload);
    this.stored.push({ ...outgoing, payload, sequence, timestampMs: Date.now() });
    for (const listener of this.listeners) listener();
    return { stream: this.name, sequence, duplicate: false };
  }
}

/** The streams of a flow, by name and by subject. */
export class MemoryStreams {
  private readonly byName = new Map<string, MemoryStream>();
  private readonly bySubject = new Map<string, MemoryStream>();

  /** The stream of this name, which is created if there is none. */
  stream(name: string): MemoryStream {
    const known = this.byName.get(name) ?? new MemoryStream(name);
    this.byName.set(name, known);
    return known;
  }

  /** Makes a stream take the messages of a subject. */
  bind(subject: string, name: string): void {
    this.bySubject.set(subject, this.stream(name));
  }

  /** Makes the stream of an output take its messages, those of each partition if it has partitions. */
  bindOutput({ subject, stream, partitions }: OutputSpec): void {
    if (partitions === undefined) this.bind(subject, stream);
    for (let each = 0; each < (partitions?.count ?? 0); each++) this.bind(partitionSubject(subject, each), stream);
  }

  /** The stream that takes the messages of a subject. */
  of(subject: string): MemoryStream | undefined {
    return this.bySubject.get(subject);
  }
}
