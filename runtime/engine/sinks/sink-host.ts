import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { cutText, failureOf, maxLogged } from '../failures';
import type { Failure, Host, HostEvents, HostRecord, SchemaSource } from '../ports/host';
import type { Sink, SinkRecord, WriteOutcome } from '../ports/sink';
import { ReaderProjection } from '../reader-projection';
import { WriteQueue } from './write-queue';
import { WriteRetries } from './write-retries';

export interface SinkHostOptions {
  readonly spec: FunctionSpec;
  readonly events: HostEvents;
  readonly schemas: SchemaSource;
  readonly sink: Sink;
}

/**
 * Runs a sink in place of user code: decodes records with the sink's reader schema and writes them in batches.
 *
 * I1. A batch contains the records queued when a write can start, at most `batchSize`: no record waits for a full batch. In
 *     bulk mode, a batch is a bulk: see `WriteQueue`.
 * I2. Each record settles with its own outcome. A write that throws is a failed attempt of every record in its batch.
 * I3. Records that the destination does not take now are written again, before all others, after a delay in which nothing is
 *     written. They are neither attempts nor letters; as they are held, less is pulled, and in the end nothing.
 * I4. A stop writes the bulks that wait. Records that the destination does not take then are given back.
 */
export class SinkHost implements Host {
  readonly reportsBegan = true;
  private readonly queue: WriteQueue;
  private readonly retries: WriteRetries;
  private writes = 0;
  private isKilled = false;
  private isReleasing = false;
  private readonly projection: ReaderProjection;

  constructor(private readonly options: SinkHostOptions) {
    const { spec, schemas, sink } = options;
    this.projection = new ReaderProjection(spec.schema, schemas);
    this.queue = new WriteQueue(sink.batchSize, spec.bulk, () => this.startWrites());
    this.retries = new WriteRetries(() => this.startWrites());
  }

  get concurrency(): number {
    const { spec, sink } = this.options;
    return (spec.bulk?.flushSize ?? sink.batchSize) * sink.concurrentWrites;
  }

  async open(): Promise<void> {}

  process(records: readonly HostRecord[]): void {
    this.queue.add(records);
    if (records.some(({ isAlone }) => isAlone === true)) this.queue.flush();
    this.startWrites();
  }

  flush(): void {
    this.queue.flush();
    this.startWrites();
  }

  release(): void {
    this.isReleasing = true; // I4
    if (this.options.spec.bulk === undefined || this.retries.isWaiting) this.giveBack(this.queue.clear());
    else this.flush();
  }

  generate(): never {
    throw new Error('a sink does not generate records');
  }

  /** A write that has begun cannot be stopped; its outcome is ignored. The sink stays open for the next host. */
  async kill(): Promise<void> {
    this.isKilled = true;
    this.queue.clear();
    this.retries.stop();
  }

  async close(): Promise<void> {
    this.giveBack(this.queue.clear());
    this.retries.stop();
    await this.options.sink.close();
  }

  private startWrites(): void {
    while (this.writes < this.options.sink.concurrentWrites && !this.retries.isWaiting && this.queue.isDue) {
      this.writes++;
      void this.writeBatch(this.queue.take());
    }
  }

  private async writeBatch(batch: readonly HostRecord[]): Promise<void> {
    for (const { id } of batch) this.options.events.began?.(id);
    const read: HostRecord[] = [];
    const records: SinkRecord[] = [];
    for (const record of batch) {
      try {
        const { origin, trace } = record;
        records.push(Object.assign(await this.projection.read(record.payload), { origin, trace }));
        read.push(record);
      } catch (error) {
        this.settle(record.id, { is: 'failed', error, isRetryable: true });
      }
    }
    const outcomes = records.length === 0 ? [] : await this.outcomesOf(records);
    this.writes--;
    if (this.isKilled) return;
    this.settleAll(read, outcomes);
    this.startWrites();
  }

  private async outcomesOf(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    try {
      return await this.options.sink.write(records);
    } catch (error) {
      return records.map(() => ({ is: 'failed', error, isRetryable: true })); // I2
    }
  }

  private settleAll(records: readonly HostRecord[], outcomes: readonly WriteOutcome[]): void {
    const refused: HostRecord[] = [];
    let cause: unknown;
    for (const [index, record] of records.entries()) {
      const outcome = outcomes[index];
      if (outcome?.is === 'later') {
        refused.push(record);
        cause ??= outcome.error;
      } else {
        this.settle(record.id, outcome);
      }
    }
    if (refused.length > 0) this.retryLater(refused, cause, refused.length < records.length);
    else if (this.retries.succeeded()) this.log('INFO', 'the destination takes records again');
  }

  /** I3, I4 */
  private retryLater(records: readonly HostRecord[], cause: unknown, hasTakenSome: boolean): void {
    if (this.isReleasing) {
      this.giveBack(records);
      this.giveBack(this.queue.clear());
      return;
    }
    const { message } = failureOf(cause);
    for (const { id } of records) this.options.events.waits?.(id, message);
    this.queue.putBack(records);
    const { delayMs, isNews } = this.retries.wait(hasTakenSome);
    const what = `${records.length} of the records written wait, retrying in ${delayMs} ms`;
    this.log(isNews ? 'WARNING' : 'DEBUG', `${what}: ${cutText(message, maxLogged)}`);
  }

  private giveBack(records: readonly HostRecord[]): void {
    for (const { id } of records) this.options.events.released(id);
  }

  private log(level: 'INFO' | 'WARNING' | 'DEBUG', text: string): void {
    this.options.events.log(level, `${this.options.spec.type}: ${text}`);
  }

  private settle(id: number, outcome: WriteOutcome | undefined): void {
    const { events, spec } = this.options;
    if (this.isKilled || outcome?.is === 'later') return;
    if (outcome === undefined) events.failed(id, { type: 'Error', message: `${spec.type} reported no outcome` });
    else if (outcome.is === 'stored') events.done(id);
    else events.failed(id, failureOfWrite(outcome.error, outcome.isRetryable));
  }
}

function failureOfWrite(error: unknown, isRetryable: boolean): Failure {
  return isRetryable ? failureOf(error) : { ...failureOf(error), isFinal: true };
}
