import { PayloadError, TransportError } from '../messages/operation-error';
import type { Delivery, StoredValue, Transport } from './transport';

interface Held {
  readonly topic: string;
  readonly text: string;
  readonly sequence: number;
  deliveries: number;
}

/** A transport in memory, for tests of tasks and operations without a broker. Messages are delivered in the order of their publishing. */
export class DummyTransport implements Transport {
  /** What was published on the subject of results, by topic. */
  readonly results = new Map<string, string[]>();
  readonly values = new Map<string, StoredValue>();
  /** Set: everything fails as with a broker that is away. */
  isAway = false;
  maxBytes = 1_000_000;
  private readonly queues = new Map<string, Held[]>();
  private readonly ids = new Set<string>();
  private sequence = 0;

  async publish(topic: string, payload: Uint8Array, id?: string): Promise<void> {
    this.check(payload.length);
    if (!this.isNew(id)) return;
    this.sequence += 1;
    this.queue(topic).push({ topic, text: textOf(payload), sequence: this.sequence, deliveries: 0 });
  }

  async publishResult(topic: string, payload: Uint8Array, id?: string): Promise<void> {
    this.check(payload.length);
    if (this.isNew(id)) this.results.set(topic, [...(this.results.get(topic) ?? []), textOf(payload)]);
  }

  async next(topics: readonly string[]): Promise<Delivery | undefined> {
    this.assertThere();
    const topic = topics.find((each) => this.queue(each).length > 0);
    const held = topic === undefined ? undefined : this.queue(topic).shift();
    if (held === undefined) return undefined;
    held.deliveries += 1;
    const { sequence, deliveries } = held;
    return {
      topic: held.topic,
      sequence,
      deliveries,
      payload: async () => held.text,
      ack: async () => undefined,
      release: async () => void this.queue(held.topic).unshift(held),
    };
  }

  async load(key: string): Promise<StoredValue | undefined> {
    this.assertThere();
    return this.values.get(key);
  }

  async save(key: string, { value, revision }: StoredValue): Promise<number | undefined> {
    this.check(Buffer.byteLength(value));
    if ((this.values.get(key)?.revision ?? 0) !== revision) return undefined;
    this.values.set(key, { value, revision: revision + 1 });
    return revision + 1;
  }

  async close(): Promise<void> {}

  /** The payloads that no consumer has taken. */
  waiting(topic: string): readonly string[] {
    return this.queue(topic).map(({ text }) => text);
  }

  private queue(topic: string): Held[] {
    const known = this.queues.get(topic) ?? [];
    this.queues.set(topic, known);
    return known;
  }

  private isNew(id: string | undefined): boolean {
    if (id === undefined) return true;
    if (this.ids.has(id)) return false;
    this.ids.add(id);
    return true;
  }

  private check(bytes: number): void {
    this.assertThere();
    PayloadError.check(bytes, this.maxBytes);
  }

  private assertThere(): void {
    if (this.isAway) throw new TransportError('the broker is away');
  }
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}
