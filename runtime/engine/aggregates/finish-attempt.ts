import type { KFlowError } from '../../../lib/errors';
import { failureOf } from '../failures';
import type { Failure } from '../ports/host';
import type { RecordSpan } from '../ports/record-tracer';
import { newTrace, type TraceContext } from '../trace/trace-context';
import type { Aggregates } from './aggregates';

const checkEveryMs = 100;

/** One call of a function's finish: writes its outputs, with the ids of any other attempt's. */
export class FinishAttempt {
  /** Resolves when every output is stored, or with the failure. */
  readonly ended: Promise<Failure | undefined>;
  private resolve: (failure?: Failure) => void = () => undefined;
  private readonly timer: NodeJS.Timeout;
  /** An aggregate is of many records, and begins a trace. */
  private readonly span: RecordSpan | undefined;
  private readonly trace: TraceContext;
  private aliveAtMs = Date.now();
  private index = 0;
  private unsettled = 0;
  private hasReturned = false;
  private hasEnded = false;
  private failure: Failure | undefined;

  constructor(
    readonly id: number,
    private readonly aggregates: Aggregates,
  ) {
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
    const { tracer, origin, spec } = aggregates.ports;
    this.span = spec.output && tracer?.emit({ id: origin, stream: spec.output.stream });
    this.trace = this.span?.trace ?? newTrace();
    this.timer = setInterval(() => this.check(), checkEveryMs);
  }

  output(payload: Uint8Array, side: string): Promise<void> | undefined {
    const { spec, writer, counters, origin } = this.aggregates.ports;
    const output = side === '' ? spec.output : spec.sideOutputs.find((candidate) => candidate.id === side);
    if (side === '') counters.out++;
    const index = this.index++;
    if (output === undefined) return undefined;
    this.unsettled++;
    const settle = (error?: KFlowError) => {
      this.unsettled--;
      if (error !== undefined) this.failure ??= failureOf(error);
      this.endIfSettled();
    };
    writer.write(output, `${origin}:${index}`, payload, settle, this.trace);
    return writer.room();
  }

  done(): void {
    this.hasReturned = true;
    this.endIfSettled();
  }

  failed(failure: Failure): void {
    this.failure ??= failure;
    this.hasReturned = true;
    this.endIfSettled();
  }

  heartbeat(): void {
    this.aliveAtMs = Date.now();
  }

  private endIfSettled(): void {
    if (this.hasReturned && this.unsettled === 0) this.end(this.failure);
  }

  private check(): void {
    if (Date.now() < this.aggregates.deadlineMs(this.aliveAtMs)) return;
    const message = this.hasReturned ? 'its outputs were not stored in time' : 'it did not return in time';
    this.end({ type: 'TimedOut', message, isFinal: true });
  }

  private end(failure: Failure | undefined): void {
    clearInterval(this.timer);
    if (!this.hasEnded) this.span?.end(failure === undefined ? 'stored' : 'failed', failure);
    this.hasEnded = true;
    this.resolve(failure);
  }
}
