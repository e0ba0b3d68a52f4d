import type { StoreError } from '../../lib/errors';
import type { Delivery, DeliverySource } from '../../runtime/engine/ports/delivery';
import type { Generated, Host, HostRecord } from '../../runtime/engine/ports/host';
import type { Outgoing, PublishAck, Publisher } from '../../runtime/engine/ports/publisher';

/** A publisher whose streams answer when the test says so. */
export class ManualPublisher implements Publisher {
  readonly sent: Outgoing[] = [];
  private readonly settlers: ((result: PublishAck | StoreError) => void)[] = [];

  publish(outgoing: Outgoing, settle: (result: PublishAck | StoreError) => void): void {
    this.sent.push(outgoing);
    this.settlers.push(settle);
  }

  /** The message of this index is in its stream; as a duplicate when the stream had its id. */
  store(index: number, { duplicate = false } = {}): void {
    this.settlers[index]?.({ stream: 'out', sequence: index + 1, duplicate });
  }

  refuse(index: number, error: StoreError): void {
    this.settlers[index]?.(error);
  }

  room(): Promise<void> | undefined {
    return undefined;
  }

  async settled(): Promise<void> {}
}

/** A consumer whose messages the test delivers. */
export class ManualSource implements DeliverySource {
  private readonly stored = new Map<number, number>();
  readonly demands: { readonly messages: number; readonly bytes: number }[] = [];
  isStopped = false;
  /** The last delivery of each sequence. */
  readonly deliveries = new Map<number, Delivery>();
  private onDelivery: ((delivery: Delivery) => void) | undefined;
  private readonly early: Delivery[] = [];

  constructor(private readonly stream = 'in') {}

  start(onDelivery: (delivery: Delivery) => void): void {
    this.onDelivery = onDelivery;
    for (const delivery of this.early.splice(0)) onDelivery(delivery);
  }

  demand(messages: number, bytes: number): void {
    this.demands.push({ messages, bytes });
  }

  stop(): void {
    this.isStopped = true;
  }

  /** A message is stored once, however often it is delivered. */
  private storedAt(sequence: number): number {
    const at = this.stored.get(sequence) ?? Date.now();
    this.stored.set(sequence, at);
    return at;
  }

  /** Delivers a message, once the reader has started, and returns the list that its answers are added to: `ack`, `nak <ms>`, `working`. */
  deliver(
    sequence: number,
    changes: Partial<
      Pick<Delivery, 'deliveries' | 'isRepeated' | 'timestampMs' | 'payload' | 'redriven' | 'key' | 'traceparent'>
    > = {},
  ): string[] {
    const answers: string[] = [];
    const delivery: Delivery = {
      stream: this.stream,
      sequence,
      deliveries: 1,
      timestampMs: this.storedAt(sequence),
      payload: Buffer.from('c301000000000000000002', 'hex'),
      handle: `${this.stream}.${sequence}`,
      ...changes,
      ack: () => answers.push('ack'),
      nak: (delayMs) => answers.push(`nak ${delayMs}`),
      working: () => answers.push('working'),
    };
    this.deliveries.set(sequence, delivery);
    if (this.onDelivery === undefined) this.early.push(delivery);
    else this.onDelivery(delivery);
    return answers;
  }
}

/** A host whose records the test processes. */
export class ManualHost implements Host {
  readonly records: HostRecord[] = [];
  readonly finishes: number[] = [];
  /** Ids of the records that are not needed any more. */
  readonly canceled: number[] = [];
  acksManually = false;
  hasFinish = false;
  releases = 0;
  isKilled = false;
  isClosed = false;
  /** Resolves when a killed host is gone. */
  gone: Promise<void> = Promise.resolve();

  /** With a refusal, the host cannot be opened. */
  constructor(
    readonly concurrency = 10,
    private readonly refusal?: Error,
  ) {}

  async open(): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
  }

  process(records: readonly HostRecord[]): void {
    this.records.push(...records);
  }

  async generate(): Promise<Generated> {
    return { payloads: [], ended: true, isRepeatable: true };
  }

  finish(id: number): void {
    this.finishes.push(id);
  }

  cancel(id: number): void {
    this.canceled.push(id);
  }

  release(): void {
    this.releases++;
  }

  async kill(): Promise<void> {
    this.isKilled = true;
    await this.gone;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
