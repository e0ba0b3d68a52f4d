import { CancelledFailure } from '@temporalio/activity';
import { Lease } from '../../../../../runtime/controller/flows/activities/lease';

beforeEach(() => jest.useFakeTimers({ now: 0 }));
afterEach(() => jest.useRealTimers());

test('an activity that did not heartbeat within its lease must not change anything', async () => {
  const lease = new Lease();
  await lease.hold(async () => {
    jest.setSystemTime(4_000);
    expect(() => Lease.assertHeld()).not.toThrow();
    jest.setSystemTime(4_001);
    expect(() => Lease.assertHeld()).toThrow(CancelledFailure);
  });
});

test('a lease that has ended is not renewed', async () => {
  const lease = new Lease();
  jest.setSystemTime(3_000);
  expect(lease.renew()).toBe(true);
  jest.setSystemTime(8_000);
  expect(lease.renew()).toBe(false);
  await lease.hold(async () => expect(() => Lease.assertHeld()).toThrow(CancelledFailure));
});
