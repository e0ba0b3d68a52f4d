import { FunctionError, type KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import { pause } from '../async/pause';
import { type Counters, countFailure } from './counters';
import { failureOf } from './failures';
import type { SourceLetters } from './letters/source-letters';
import type { OutputWriter } from './output-writer';
import type { Failure, LogLevel } from './ports/host';
import type { RecordTracer } from './ports/record-tracer';
import type { Lost, Source, SourceRecord } from './ports/source';
import { newTrace } from './trace/trace-context';

export interface SourceLoopPorts {
  readonly spec: FunctionSpec;
  readonly writer: OutputWriter;
  readonly letters: Pick<SourceLetters, 'put'>;
  readonly counters: Counters;
  /** Without a tracer, no spans are recorded. */
  readonly tracer?: RecordTracer | undefined;
  readonly log: (level: LogLevel, text: string) => void;
  /** Notes a loss where it is seen after the replica has ended. */
  readonly noteLoss: (message: string, lost: Lost) => Promise<void>;
  /** How long records may take to be stored after the signal, or after a failure. */
  readonly graceMs: number;
}

/**
 * Writes the records of a source to its stream, as fast as the stream accepts them. Each begins a trace.
 *
 * I1. After a signal or a failure, records that the source cannot read again are still written, within the grace period.
 * I2. When such a record is not stored in time, the loop logs how many there are, and fails.
 * I3. A record that does not fit its schema, or that no stream can take, is a dead letter: a restart would not help.
 */
export class SourceLoop {
  private error: Error | undefined;
  private unsettled = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly failing = new AbortController();

  constructor(private readonly ports: SourceLoopPorts) {}

  /**
   * Resolves when the source has ended, or has stopped after the signal, and all of its records are stored. Rejects when
   * the source fails, when a record cannot be stored, or when records are lost (I2).
   */
  async run(source: Source, signal: AbortSignal): Promise<void> {
    const ending = AbortSignal.any([signal, this.failing.signal]);
    const written = new AbortController();
    await Promise.race([this.writeAll(source, ending), this.graceAfter(ending, written.signal)]);
    written.abort();
    await this.reportUnsaved(source);
    await source.close().catch((error: Error) => this.fail(error));
    if (this.error !== undefined) throw this.error;
  }

  /** Number of records that are being stored. */
  get inFlight(): number {
    return this.unsettled;
  }

  /** Ends the loop with this error, once the records in hand are stored (I1). The first error counts. */
  fail(error: Error): void {
    this.error ??= error;
    this.failing.abort();
  }

  /** Resolves when the grace period after the signal is over; `written` ends the wait. */
  private async graceAfter(ending: AbortSignal, written: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      if (ending.aborted) resolve();
      for (const signal of [ending, written]) signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await pause(this.ports.graceMs, written);
  }

  /** Resolves when the source has ended and every record is settled. */
  private async writeAll(source: Source, ending: AbortSignal): Promise<void> {
    try {
      for await (const records of source.records(ending)) {
        for (const record of records) this.write(record);
        await this.ports.writer.room();
      }
    } catch (error) {
      this.fail(error as Error);
    }
    while (this.unsettled > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private async reportUnsaved(source: Source): Promise<void> {
    const unsaved = source.unsaved?.();
    if (unsaved === undefined) return;
    const { log, noteLoss, graceMs } = this.ports;
    const why =
      this.error === undefined ? `within ${graceMs / 1_000} s after the stop` : `because of ${this.error.message}`;
    const text = `${unsaved.text} could not be stored ${why}; the function cannot return them again`;
    log('ERROR', text);
    await noteLoss(text, unsaved);
    this.fail(new FunctionError('records-lost', text));
  }

  private write(record: SourceRecord): void {
    const { spec, writer, counters, letters, tracer } = this.ports;
    const { id, payload, misfit } = record;
    const span = spec.output && tracer?.emit({ id, stream: spec.output.stream });
    const trace = span?.trace ?? newTrace();
    const settle = (error?: KFlowError, letter?: Failure) => {
      this.unsettled--;
      if (error !== undefined) span?.end('failed', failureOf(error));
      else if (letter !== undefined) span?.end('dead letter', letter);
      else span?.end('stored');
      if (error === undefined) record.stored?.();
      else this.fail(error);
      if (this.unsettled === 0) for (const resume of this.waiting.splice(0)) resume();
    };
    this.unsettled++;
    const refusal = misfit === undefined ? writer.refusal(payload.length) : undefined;
    if (misfit !== undefined || refusal !== undefined) {
      const failure = misfit ?? failureOf(refusal);
      countFailure(counters, failure);
      counters.dead++;
      const text = refusal === undefined ? Buffer.from(payload).toString() : JSON.stringify('the record is too large');
      letters.put({ id, text, trace }, failure, (error) => settle(error, failure)); // I3
      return;
    }
    counters.out++;
    if (spec.output === undefined) settle();
    else writer.write(spec.output, id, payload, settle, trace);
  }
}
