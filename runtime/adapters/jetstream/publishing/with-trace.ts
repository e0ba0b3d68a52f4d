import type { MsgHdrs } from 'nats';
import type { TraceContext } from '../../../engine/trace/trace-context';

/** The headers with the trace context of what the message is about. */
export function withTrace(headers: MsgHdrs, trace: TraceContext | undefined): MsgHdrs {
  for (const [name, value] of Object.entries(trace ?? {})) headers.set(name, value);
  return headers;
}
