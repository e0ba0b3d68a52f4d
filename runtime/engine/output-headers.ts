import { keyHeaders } from './order/record-key';
import type { Outgoing } from './ports/publisher';
import type { TraceContext } from './trace/trace-context';

/** The headers that pass the trace context and the key of a record on to its outputs. */
export function outputHeaders({
  key,
  trace,
}: {
  readonly key?: string | undefined;
  readonly trace?: TraceContext | undefined;
}): Outgoing['headers'] {
  return key === undefined ? trace : { ...trace, ...keyHeaders({ key }) };
}
