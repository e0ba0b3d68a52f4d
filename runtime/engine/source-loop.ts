import type { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { Counters } from './counters';
import type { OutputWriter } from './output-writer';
import type { Source, SourceRecord } from './ports/source';

/** Writes the records of a source to its stream, as fast as the stream accepts them. */
export class SourceLoop {
  private error: KFlowError | undefined;
  private unsettled = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly ports: { readonly spec: FunctionSpec; readonly writer: OutputWriter; readonly counters: Counters },
  ) {}

  /**
   * Resolves when the source has ended, or has stopped after the signal, and all of its records are stored. Rejects when
   * the source fails, or when a record cannot be stored.
   */
  async run(source: Source, signal: AbortSignal): Promise<void> {
    try {
      await this.writeAll(source, signal);
    } finally {
      await source.close();
    }
    if (this.error !== undefined) throw this.error;
  }

  private async writeAll(source: Source, signal: AbortSignal): Promise<void> {
    for await (const records of source.records(signal)) {
      for (const record of records) this.write(record);
      await this.ports.writer.room();
      if (this.error !== undefined) throw this.error;
    }
    while (this.unsettled > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private write(record: SourceRecord): void {
    const { spec, writer, counters } = this.ports;
    counters.out++;
    if (spec.output === undefined) return;
    this.unsettled++;
    writer.write(spec.output, record.id, record.payload, (error) => {
      this.unsettled--;
      if (error === undefined) record.stored?.();
      else this.error ??= error;
      if (this.unsettled === 0) for (const resume of this.waiting.splice(0)) resume();
    });
  }
}
