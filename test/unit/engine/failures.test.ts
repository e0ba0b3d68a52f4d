import { FunctionError, KFlowError } from '../../../lib/errors';
import { crashFailure, cutFailure, cutText, failureOf } from '../../../runtime/engine/failures';

test('texts of any length are cut to a few kilobytes', () => {
  const huge = 'x'.repeat(2_000_000);
  const { type, message, trace } = cutFailure({ type: huge, message: huge, trace: huge });
  expect([type.length, message.length, trace?.length ?? 0].every((length) => length < 9_000)).toBe(true);
  expect(message).toMatch(/^x{4000}… \(2000000 characters in all\)$/);
});

test('short texts stay as they are', () => {
  expect(cutText('short', 5)).toBe('short');
  const failure = { type: 'ValueError', message: 'no' };
  expect(cutFailure(failure)).toEqual(failure);
});

test.each([
  ['exited', 'host-exited'],
  ['crashed', 'host-failed'],
] as const)('a host that %s is a failure with that reason', (reason, code) => {
  expect(crashFailure(new KFlowError(code, 'how'))).toEqual({ type: reason, message: 'how', reason });
});

test('an output that is too large is a failure with that reason; other errors have none', () => {
  expect(failureOf(new FunctionError('payload-too-large', 'too many'))).toMatchObject({ reason: 'too large' });
  expect(failureOf(new FunctionError('record-invalid', 'no'))).toEqual({ type: 'FunctionError', message: 'no' });
  expect(failureOf('thrown text')).toEqual({ type: 'Error', message: 'thrown text' });
});
