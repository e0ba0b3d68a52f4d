import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { TaskSpan, TaskTracer } from '../../operations/observe/task-tracer';
import { contextOf, parentOf } from './trace-parent';

/** Makes spans of tasks and operations with the SDK of OpenTelemetry. */
export class TaskSpanRecorder implements TaskTracer {
  constructor(private readonly tracer: Tracer) {}

  start(path: string, parent: string | undefined): TaskSpan {
    const context = parent === undefined ? ROOT_CONTEXT : parentOf({ traceparent: parent });
    const span = this.tracer.startSpan(path, { kind: SpanKind.CONSUMER }, context);
    return {
      traceparent: contextOf(span).traceparent,
      end: (tags, failure) => {
        span.setAttributes(tags);
        if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
        span.end();
      },
    };
  }
}
