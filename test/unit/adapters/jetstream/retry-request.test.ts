import { ErrorCode, NatsError } from 'nats';
import { StoreError } from '../../../../lib/errors';
import { retryRequest } from '../../../../runtime/adapters/jetstream/retry-request';

/** A request that fails so often before it succeeds. */
function failing(times: number, error: Error) {
  let attempts = 0;
  const request = async () => {
    attempts++;
    if (attempts <= times) throw error;
    return attempts;
  };
  return { request, attempts: () => attempts };
}

test.each([
  ErrorCode.Timeout,
  ErrorCode.NoResponders,
  ErrorCode.Disconnect,
  ErrorCode.ConnectionRefused,
  ErrorCode.JetStreamNotEnabled,
])('retries while the server is away: %s', async (code) => {
  expect(await retryRequest(failing(2, NatsError.errorForCode(code)).request)).toBe(3);
});

test.each([
  ['a refusal', NatsError.errorForCode(ErrorCode.PermissionsViolation)],
  ['an error of ours', new StoreError('stream-failed', 'no')],
  ['a fault of the request', new TypeError('no')],
])('does not retry %s', async (_what, error) => {
  const { request, attempts } = failing(2, error);
  await expect(retryRequest(request)).rejects.toBe(error);
  expect(attempts()).toBe(1);
});

test('throws stream-failed with the cause when the time is up', async () => {
  const cause = NatsError.errorForCode(ErrorCode.Timeout);
  await expect(retryRequest(failing(9, cause).request, 0)).rejects.toMatchObject({ code: 'stream-failed', cause });
});
