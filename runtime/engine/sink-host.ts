import type { FunctionSpec } from '../../lib/plan/function-spec';
import { failureOf } from './failure-of';
import type { Host, HostEvents, HostRecord, SchemaSource } from './ports/host';
import { ReaderProjection } from './reader-projection';

/** Writes one record to where it ends; `key` names the record, the same however often it is delivered. */
export type WriteRecord = (record: unknown, origin: HostRecord['origin']) => Promise<void>;

/** A sink in the place of user code: decodes by the sink's reader schema and writes, many records at once. */
export class SinkHost implements Host {
  private queue: HostRecord[] = [];
  private writing = 0;
  private readonly projection: ReaderProjection;

  constructor(
    private readonly options: {
      readonly spec: FunctionSpec;
      readonly events: HostEvents;
      readonly schemas: SchemaSource;
      readonly write: WriteRecord;
      /** Records written at once. */
      readonly concurrency: number;
    },
  ) {
    this.projection = new ReaderProjection(options.spec.schema, options.schemas);
  }

  get atOnce(): number {
    return this.options.concurrency;
  }

  async open(): Promise<void> {}

  process(records: readonly HostRecord[]): void {
    this.queue.push(...records);
    this.work();
  }

  release(): void {
    for (const record of this.queue.splice(0)) this.options.events.released(record.id);
  }

  generate(): never {
    throw new Error('a sink generates nothing');
  }

  async close(): Promise<void> {
    this.release();
  }

  private work(): void {
    const room = Math.min(this.options.concurrency - this.writing, this.queue.length);
    for (const record of this.queue.splice(0, room)) {
      this.writing++;
      void this.write(record);
    }
  }

  private async write(record: HostRecord): Promise<void> {
    const { events } = this.options;
    events.began?.(record.id);
    try {
      await this.options.write(await this.projection.read(record.payload), record.origin);
      events.done(record.id);
    } catch (error) {
      events.failed(record.id, failureOf(error));
    } finally {
      this.writing--;
      this.work();
    }
  }
}
