import type { TraceContext } from '../trace/trace-context';
import type { Delivery } from './delivery';
import type { Failure } from './host';

/** What became of an attempt to process a record, or of a record that begins a trace. */
type SpanOutcome = 'processed' | 'retried' | 'dead letter' | 'given back' | 'stored' | 'failed';

/** A span of a trace. */
export interface RecordSpan {
  /** What outputs and the function's code continue. */
  readonly trace: TraceContext;
  /** Ends the span; called once. */
  end(outcome: SpanOutcome, failure?: Pick<Failure, 'type' | 'message' | 'trace'>): void;
}

/** Records spans. It must be cheap, and what becomes of the spans concerns no record. */
export interface RecordTracer {
  /** An attempt to process a record begins: a part of its trace. */
  process(record: { readonly delivery: Delivery; readonly trace: TraceContext }): RecordSpan;
  /** A record that begins a trace, of a source or of an aggregate, is being stored. */
  emit(record: { readonly id: string; readonly stream: string }): RecordSpan;
}
