import { createHash, randomFillSync } from 'node:crypto';
import type { Delivery } from '../ports/delivery';

/** W3C trace context, as headers of a message. */
export type TraceContext = { readonly traceparent: string; readonly tracestate?: string };

/** Bytes of a trace id, and of the id of the span that follows it. */
const traceBytes = 16;
const idBytes = 24;
/** The caller may have recorded spans: whoever traces its own part does. */
const sampled = '01';

const traceparentLength = 55;
/** Longest state that is passed on. */
const maxState = 512;

const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

const pool = Buffer.allocUnsafe(128 * idBytes);
let used = pool.length;

/** The context of a trace that begins. */
export function newTrace(): TraceContext {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return contextOf(pool.toString('hex', used - idBytes, used));
}

/** The context of a message. One that has none begins a trace, the same at each delivery. */
export function traceOf({ traceparent, tracestate, stream, sequence, timestampMs }: TracedMessage): TraceContext {
  const valid = traceparent === undefined ? undefined : traceparentOf(traceparent);
  if (valid !== undefined) {
    const known = { traceparent: valid };
    return tracestate === undefined || tracestate.length > maxState ? known : { ...known, tracestate };
  }
  return contextOf(createHash('sha256').update(`${stream}:${sequence}:${timestampMs}`).digest('hex'));
}

/** The context of a span that has no other record than its names: the same names, the same ids. */
export function namedTrace(trace: string, span: string): TraceContext {
  const [traceId, spanId] = [trace, span].map((name) => createHash('sha256').update(name).digest('hex'));
  return contextOf(`${traceId?.slice(0, 2 * traceBytes)}${spanId}`);
}

/** A valid `traceparent`, without what later versions add to it; undefined for anything else. */
export function traceparentOf(text: string): string | undefined {
  return traceparentForm.test(text) ? text.slice(0, traceparentLength) : undefined;
}

type TracedMessage = Pick<Delivery, 'traceparent' | 'tracestate' | 'stream' | 'sequence' | 'timestampMs'>;

export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 3 + 2 * traceBytes);
}

function contextOf(hex: string): TraceContext {
  const [traceId, spanId] = [hex.slice(0, 2 * traceBytes), hex.slice(2 * traceBytes, 2 * idBytes)];
  return { traceparent: `00-${traceId}-${spanId}-${sampled}` };
}
