import type { FunctionSpec } from '../../lib/plan/function-spec';
import { failureOf } from './failures';
import type { Failure, Host, HostEvents, HostRecord, SchemaSource } from './ports/host';
import type { Sink, SinkRecord, WriteOutcome } from './ports/sink';
import { ReaderProjection } from './reader-projection';

export interface SinkHostOptions {
  readonly spec: FunctionSpec;
  readonly events: HostEvents;
  readonly schemas: SchemaSource;
  readonly sink: Sink;
}

/**
 * Runs a sink in place of user code: decodes records with the sink's reader schema and writes them in batches.
 *
 * I1. A batch contains the records queued when a write can start, at most `batchSize`: no record waits for a full batch.
 * I2. Each record settles with its own outcome. A write that throws is a failed attempt of every record in its batch.
 */
export class SinkHost implements Host {
  private queue: HostRecord[] = [];
  private writes = 0;
  private isKilled = false;
  private readonly projection: ReaderProjection;

  constructor(private readonly options: SinkHostOptions) {
    this.projection = new ReaderProjection(options.spec.schema, options.schemas);
  }

  get concurrency(): number {
    const { batchSize, concurrentWrites } = this.options.sink;
    return batchSize * concurrentWrites;
  }

  async open(): Promise<void> {}

  process(records: readonly HostRecord[]): void {
    this.queue.push(...records);
    this.startWrites();
  }

  release(): void {
    for (const record of this.queue.splice(0)) this.options.events.released(record.id);
  }

  generate(): never {
    throw new Error('a sink does not generate records');
  }

  /** A write that has begun cannot be stopped; its outcome is ignored. The sink stays open for the next host. */
  async kill(): Promise<void> {
    this.isKilled = true;
    this.queue = [];
  }

  async close(): Promise<void> {
    this.release();
    await this.options.sink.close();
  }

  private startWrites(): void {
    const { batchSize, concurrentWrites } = this.options.sink;
    while (this.writes < concurrentWrites && this.queue.length > 0) {
      this.writes++;
      void this.writeBatch(this.queue.splice(0, batchSize));
    }
  }

  private async writeBatch(batch: readonly HostRecord[]): Promise<void> {
    for (const { id } of batch) this.options.events.began?.(id);
    const ids: number[] = [];
    const records: SinkRecord[] = [];
    for (const { id, payload, origin } of batch) {
      try {
        records.push(Object.assign(await this.projection.read(payload), { origin }));
        ids.push(id);
      } catch (error) {
        this.settle(id, { is: 'failed', error, isRetryable: true });
      }
    }
    const outcomes = records.length === 0 ? [] : await this.outcomesOf(records);
    for (const [index, id] of ids.entries()) this.settle(id, outcomes[index]);
    this.writes--;
    this.startWrites();
  }

  private async outcomesOf(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    try {
      return await this.options.sink.write(records);
    } catch (error) {
      return records.map(() => ({ is: 'failed', error, isRetryable: true })); // I2
    }
  }

  private settle(id: number, outcome: WriteOutcome | undefined): void {
    const { events, spec } = this.options;
    if (this.isKilled) return;
    if (outcome === undefined) events.failed(id, { type: 'Error', message: `${spec.type} reported no outcome` });
    else if (outcome.is === 'stored') events.done(id);
    else events.failed(id, failureOfWrite(outcome.error, outcome.isRetryable));
  }
}

function failureOfWrite(error: unknown, isRetryable: boolean): Failure {
  return isRetryable ? failureOf(error) : { ...failureOf(error), isFinal: true };
}
