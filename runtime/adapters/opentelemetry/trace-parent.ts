import { type Context, createTraceState, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import type { TraceContext } from '../../engine/trace/trace-context';

/** The context of a span elsewhere, as the parent of spans here. */
export function parentOf({ traceparent, tracestate }: TraceContext): Context {
  const [, traceId = '', spanId = '', flags = '0'] = traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  });
}

/** The context of a span, for what it causes elsewhere. */
export function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize() ?? '';
  return tracestate === '' ? { traceparent } : { traceparent, tracestate };
}
