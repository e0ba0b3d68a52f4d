import { newTrace, traceIdOf, traceOf } from '../../../../runtime/engine/trace/trace-context';

const known = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const message = { stream: 'in', sequence: 7, timestampMs: 5 };
const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;

test('each trace that begins has ids of its own', () => {
  const traces = Array.from({ length: 1_000 }, () => newTrace());
  expect(traces.filter(({ traceparent }) => !form.test(traceparent))).toEqual([]);
  expect(new Set(traces.map(traceIdOf)).size).toBe(1_000);
});

test('a message continues its trace, with the state of the trace', () => {
  expect(traceOf({ ...message, traceparent: known })).toEqual({ traceparent: known });
  const withState = { traceparent: known, tracestate: 'vendor=1,other=2' };
  expect(traceOf({ ...message, ...withState })).toEqual(withState);
  expect(traceIdOf({ traceparent: known })).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
});

test('a message without a trace begins one, the same at each delivery, and another one for each message', () => {
  const first = traceOf(message);
  expect(first.traceparent).toMatch(form);
  expect(traceOf({ ...message })).toEqual(first);
  expect(traceOf({ ...message, sequence: 8 })).not.toEqual(first);
  expect(traceOf({ ...message, timestampMs: 6 })).not.toEqual(first);
});

test.each([
  '',
  'not a trace',
  known.toUpperCase(),
  known.slice(0, -1),
  known.replace(/^00/, 'ff'),
  known.replace(/-4b.*?-/, `-${'0'.repeat(32)}-`),
  known.replace('00f067aa0ba902b7', '0'.repeat(16)),
])('a context that is none begins a trace: "%s"', (traceparent) => {
  expect(traceOf({ ...message, traceparent, tracestate: 'vendor=1' })).toEqual(traceOf(message));
});

test('what a later version adds, and a state that is too long, are not passed on', () => {
  const later = known.replace(/^00/, '01');
  const tracestate = `vendor=${'x'.repeat(600)}`;
  expect(traceOf({ ...message, traceparent: `${later}-${'a'.repeat(900)}`, tracestate })).toEqual({
    traceparent: later,
  });
});
