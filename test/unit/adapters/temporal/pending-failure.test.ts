import { pendingFailure } from '../../../../runtime/adapters/temporal/pending-failure';

type Activity = Parameters<typeof pendingFailure>[0][number];

const heartbeatTimeout = { message: 'activity Heartbeat timeout', timeoutFailureInfo: {} };
const workerShutdown = {
  message: 'Worker is shutting down and this activity did not complete in time',
  applicationFailureInfo: { type: 'WorkerShutdown' },
};
const leaseExpired = {
  message: 'lease expired: another controller may run this activity',
  applicationFailureInfo: { type: 'CancelledFailure' },
};
const refused = { message: 'the API server refused', applicationFailureInfo: { type: 'store-failed' } };

/** An activity that waits for its next attempt. */
function waiting(lastFailure: Activity['lastFailure'], attempt = 2): Activity {
  return { state: 1, attempt, lastFailure };
}

test('is the message of an error of the activity', () => {
  expect(pendingFailure([{ state: 2, attempt: 1 }, waiting(refused)])).toBe('the API server refused');
});

test.each([
  ['a timeout', heartbeatTimeout],
  ['the end of a controller', workerShutdown],
  ['an expired lease', leaseExpired],
  ['a cancellation', { message: 'canceled', canceledFailureInfo: {} }],
])('is nothing for %s, which the next attempt gets over', (_, failure) => {
  expect(pendingFailure([waiting(failure)])).toBeUndefined();
});

test('is the failure before a timeout, if Temporal knows it', () => {
  expect(pendingFailure([waiting({ ...heartbeatTimeout, cause: refused })])).toBe('the API server refused');
});

test('names the controllers when every attempt ends with one', () => {
  const expected = 'controllers ended or froze in each of 6 attempts; see their logs';
  expect(pendingFailure([waiting(heartbeatTimeout, 7)])).toBe(expected);
});

test('is nothing without activities', () => {
  expect(pendingFailure([])).toBeUndefined();
});
