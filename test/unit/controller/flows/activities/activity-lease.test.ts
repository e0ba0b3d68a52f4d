import { CancelledFailure } from '@temporalio/activity';
import { ActivityLease } from '../../../../../runtime/controller/flows/activities/activity-lease';

beforeEach(() => jest.useFakeTimers({ now: 0 }));
afterEach(() => jest.useRealTimers());

test('an activity that did not heartbeat within its lease must not change anything', async () => {
  const lease = new ActivityLease();
  await lease.run(async () => {
    jest.setSystemTime(4_000);
    expect(() => ActivityLease.assertHeld()).not.toThrow();
    jest.setSystemTime(4_001);
    expect(() => ActivityLease.assertHeld()).toThrow(CancelledFailure);
  });
});

test('an expired lease is not renewed', async () => {
  const lease = new ActivityLease();
  jest.setSystemTime(3_000);
  expect(lease.renew()).toBe(true);
  jest.setSystemTime(8_000);
  expect(lease.renew()).toBe(false);
  await lease.run(async () => expect(() => ActivityLease.assertHeld()).toThrow(CancelledFailure));
});
