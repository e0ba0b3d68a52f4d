import type { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { Counters } from './counters';
import type { OutputWriter } from './output-writer';

/** One record that a source has read. */
export interface SourceRecord {
  /** The same for the same thing read: a stream keeps one message of an id. */
  readonly id: string;
  readonly payload: Uint8Array;
  /** Called when the record is in the stream. */
  readonly stored?: () => void;
}

export interface Source {
  /** Gives records until there are no more, or until the signal: then it returns soon, and normally. */
  records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]>;
  /** Resolves when what `stored` began is done. */
  close(): Promise<void>;
}

/** Writes what a source reads into its stream, as fast as the stream takes it and no faster. */
export class SourceLoop {
  private refused: KFlowError | undefined;
  private unsettled = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly ports: { readonly spec: FunctionSpec; readonly writer: OutputWriter; readonly counters: Counters },
  ) {}

  /** Resolves when the source has ended, or was told to, and all it gave is stored. Rejects when a record never will be. */
  async run(source: Source, signal: AbortSignal): Promise<void> {
    for await (const records of source.records(signal)) {
      for (const record of records) this.write(record);
      await this.ports.writer.room();
      if (this.refused !== undefined) throw this.refused;
    }
    while (this.unsettled > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
    await source.close();
    if (this.refused !== undefined) throw this.refused;
  }

  private write(record: SourceRecord): void {
    const { spec, writer, counters } = this.ports;
    counters.out++;
    if (spec.output === undefined) return;
    this.unsettled++;
    writer.write(spec.output, record.id, record.payload, (error) => {
      this.unsettled--;
      if (error === undefined) record.stored?.();
      else this.refused ??= error;
      if (this.unsettled === 0) for (const resume of this.waiting.splice(0)) resume();
    });
  }
}
