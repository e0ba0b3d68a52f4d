import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { Delivery } from '../../engine/ports/delivery';
import type { RecordSpan, RecordTracer } from '../../engine/ports/record-tracer';
import type { TraceContext } from '../../engine/trace/trace-context';
import { contextOf, parentOf } from './trace-parent';

/** Makes spans of records with the SDK of OpenTelemetry, named by its conventions for messaging. */
export class SpanRecorder implements RecordTracer {
  constructor(
    private readonly tracer: Tracer,
    private readonly functionId: string,
  ) {}

  process({ delivery, trace: parent }: { readonly delivery: Delivery; readonly trace: TraceContext }): RecordSpan {
    const { stream, sequence, deliveries, redriven } = delivery;
    const attributes = {
      'messaging.system': 'nats',
      'messaging.operation.type': 'process',
      'messaging.destination.name': stream,
      'messaging.message.id': `${stream}:${sequence}`,
      'kflow.attempt': deliveries,
      ...(redriven === undefined ? {} : { 'kflow.redrive': redriven.id }),
    };
    const options = { kind: SpanKind.CONSUMER, attributes };
    return recordSpan(this.tracer.startSpan(`process ${this.functionId}`, options, parentOf(parent)));
  }

  emit({ id, stream }: { readonly id: string; readonly stream: string }): RecordSpan {
    const attributes = {
      'messaging.system': 'nats',
      'messaging.operation.type': 'send',
      'messaging.destination.name': stream,
      'messaging.message.id': id,
    };
    const options = { kind: SpanKind.PRODUCER, attributes };
    return recordSpan(this.tracer.startSpan(`send ${this.functionId}`, options, ROOT_CONTEXT));
  }
}

function recordSpan(span: Span): RecordSpan {
  return {
    trace: contextOf(span),
    end: (outcome, failure) => {
      span.setAttribute('kflow.outcome', outcome);
      if (failure !== undefined) {
        const { type: name, message, trace: stack } = failure;
        span.setAttribute('error.type', name);
        span.recordException({ name, message, ...(stack === undefined ? {} : { stack }) });
        span.setStatus({ code: SpanStatusCode.ERROR, message });
      }
      span.end();
    },
  };
}
