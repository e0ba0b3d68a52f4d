import type { Sink, SinkRecord, WriteOutcome } from '../../engine/ports/sink';

/** The destination of a sink: what was written, by the origin of the records. A repetition overwrites. */
export class MemorySink implements Sink {
  readonly batchSize = 100;
  readonly concurrentWrites = 4;
  private readonly written = new Map<string, string>();

  /** The records as JSON, in the order in which they were first written. */
  get contents(): readonly string[] {
    return [...this.written.values()];
  }

  async write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    for (const record of records) {
      const { input, sequence } = record.origin;
      this.written.set(`${input}:${sequence}`, record.json());
    }
    return records.map(() => ({ is: 'stored' }));
  }

  async close(): Promise<void> {}
}
