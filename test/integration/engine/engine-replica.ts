import type { FunctionSpec, OutputSpec } from '../../../lib/plan/function-spec';
import { AckLedger } from '../../../runtime/adapters/jetstream/ack-ledger';
import { OriginIndex } from '../../../runtime/adapters/jetstream/origin-index';
import { openInput } from '../../../runtime/adapters/jetstream/partitions/open-input';
import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publishing/publisher';
import type { Claim, ClaimSource, MessageStore } from '../../../runtime/engine/claim';
import { DeadLetters } from '../../../runtime/engine/letters/dead-letters';
import { OutputKeys } from '../../../runtime/engine/order/output-keys';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import type { Host, HostEvents, HostRecord } from '../../../runtime/engine/ports/host';
import { type Downloads, Preparation } from '../../../runtime/engine/preparation';
import { RecordLoop } from '../../../runtime/engine/record-loop';
import { mapSpec } from '../../unit/plan/planned';
import type { JetStreamPlace } from '../jetstream/jetstream-place';

const header = Buffer.from('c3010000000000000000', 'hex');

/** A text as a record's message: the engine reads only the header. */
export function recordOf(text: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(text)]);
}

export function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).subarray(header.length).toString();
}

/** Processes a record; a rejection fails the record. */
export type Work = (record: HostRecord, events: HostEvents) => Promise<void> | void;

/** Outputs the record unchanged. */
export const passOn: Work = ({ id, payload }, events) => void events.output(id, payload, '');

/** Runs work in this process, `concurrency` records at a time, in order. */
export class FunctionHost implements Host {
  private readonly queue: HostRecord[] = [];
  private running = 0;

  constructor(
    private readonly events: HostEvents,
    private readonly work: Work,
    readonly concurrency: number,
  ) {}

  async open(): Promise<void> {}

  process(records: readonly HostRecord[]): void {
    this.queue.push(...records);
    while (this.running < this.concurrency && this.queue.length > 0) this.begin();
  }

  release(): void {
    for (const { id } of this.queue.splice(0)) this.events.released(id);
  }

  generate(): never {
    throw new Error('reads records only');
  }

  async kill(): Promise<void> {
    this.queue.length = 0;
  }

  async close(): Promise<void> {}

  private begin(): void {
    const record = this.queue.shift();
    if (record === undefined) return;
    this.running++;
    void this.run(record).then(() => {
      this.running--;
      this.begin();
    });
  }

  private async run(record: HostRecord): Promise<void> {
    try {
      await this.work(record, this.events);
    } catch (error) {
      const { name, message } = error as Error;
      this.events.failed(record.id, { type: name, message, ...(name === 'AckException' ? { ack: true } : {}) });
      return;
    }
    this.events.done(record.id);
  }
}

/** Keeps large payloads in memory. */
export class MemoryMessageStore implements MessageStore, ClaimSource {
  readonly payloads = new Map<string, Uint8Array>();

  async put(key: string, payload: Uint8Array): Promise<Claim> {
    this.payloads.set(key, payload);
    return { bucket: 'memory', key, bytes: payload.length };
  }

  async fetch({ key }: Claim): Promise<Uint8Array> {
    const payload = this.payloads.get(key);
    if (payload === undefined) throw new Error(`no payload ${key}`);
    return payload;
  }
}

export interface ReplicaProps {
  /** Replaces fields of the planned spec of a function `map`, whose dead letters are in the stream `dead`. */
  readonly spec?: Partial<FunctionSpec>;
  readonly work?: Work;
  readonly maxPayload?: number;
  readonly store?: MemoryMessageStore;
  readonly downloads?: Downloads;
  /** Number of the replica; 0 by default. */
  readonly replica?: number;
}

const started: Replica[] = [];

/** One replica of a function: the engine on real streams, user code in this process. */
export class Replica {
  readonly counters = { in: 0, out: 0, failed: 0, dead: 0 };
  readonly logs: string[] = [];
  private readonly acks: AckLedger;
  private readonly publisher: JetStreamPublisher;
  private readonly loop: RecordLoop;

  private constructor(place: JetStreamPlace, { work = passOn, maxPayload = 100_000, ...props }: ReplicaProps) {
    const { connection } = place;
    const spec = mapSpec({ deadLetters: { stream: 'dead', subject: 'dead.out' }, ...props.spec });
    const { store = new MemoryMessageStore(), downloads, replica = 0 } = props;
    this.acks = place.onReconnect(new AckLedger(connection));
    this.publisher = place.onReconnect(new JetStreamPublisher(connection));
    const keys = new OutputKeys({ schemaOf: () => Promise.reject(new Error('records have no schema here')) });
    const ports = { connection, manager: place.manager, acks: this.acks };
    const origins =
      spec.output === undefined
        ? {}
        : { origins: new OriginIndex(connection, spec, [spec.output, ...spec.sideOutputs]) };
    this.loop = new RecordLoop({
      spec,
      inputs: spec.inputs.map((input) => place.onReconnect(openInput(input, { ...ports, spec, replica }).source)),
      createHost: (events) => new FunctionHost(events, work, spec.concurrency),
      writer: new OutputWriter(this.publisher, { maxPayload, store, keys }),
      preparation: new Preparation({
        claims: store,
        dedupeWindowMs: spec.output?.dedupeWindowMs ?? Number.POSITIVE_INFINITY,
        ...origins,
        ...(downloads === undefined ? {} : { downloads }),
      }),
      deadLetters: new DeadLetters(spec, this.publisher),
      counters: this.counters,
      log: (level, text) => this.logs.push(`${level} ${text}`),
      isLongRunning: false,
    });
    void this.loop.start((cause) => this.logs.push(String(cause)));
  }

  static start(place: JetStreamPlace, props: ReplicaProps = {}): Replica {
    const replica = new Replica(place, props);
    started.push(replica);
    return replica;
  }

  get idle(): boolean {
    return this.loop.idle;
  }

  async stop(graceMs = 5_000): Promise<void> {
    await this.loop.stop(graceMs);
    await this.acks.flush();
    this.publisher.close();
    this.acks.close();
  }
}

/** For `afterEach`. */
export async function stopReplicas(): Promise<void> {
  await Promise.all(started.splice(0).map((replica) => replica.stop(0)));
}

export function inputOf(stream: string, durable = 'map'): FunctionSpec['inputs'][number] {
  return { function: stream, stream, subject: `${stream}.out`, durable };
}

export function outputOf(stream: string, settings: Partial<OutputSpec> = {}): OutputSpec {
  const limits = { maxMsgs: -1, maxBytes: -1, dedupeWindowMs: 120_000 };
  return { stream, subject: `${stream}.out`, ...limits, durables: [], ...settings };
}
