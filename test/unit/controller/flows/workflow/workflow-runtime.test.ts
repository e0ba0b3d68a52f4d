import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure, TimeoutType } from '@temporalio/common';
import { failureText } from '../../../../../runtime/controller/flows/workflow/workflow-runtime';

function failed(cause: Error): ActivityFailure {
  return new ActivityFailure('Activity task failed', 'removePayloads', '1', RetryState.TIMEOUT, undefined, cause);
}

const timeout = (cause?: Error) =>
  Object.assign(new TimeoutFailure('activity ScheduleToClose timeout', undefined, TimeoutType.SCHEDULE_TO_CLOSE), {
    cause,
  });
const shutdown = 'Worker is shutting down and this activity did not complete in time';

describe('the text of a failed activity', () => {
  test('is that of our error, and not of its cause', () => {
    const cause = new Error('ECONNREFUSED');
    const own = ApplicationFailure.create({ message: 'cannot reach the store', type: 'store-failed', cause });
    expect(failureText(failed(own))).toBe('cannot reach the store');
  });

  test('is the last error before a timeout', () => {
    const last = ApplicationFailure.create({ message: 'cannot reach the store', type: 'store-failed' });
    expect(failureText(failed(timeout(last)))).toBe('cannot reach the store');
  });

  test.each([
    ['a timeout', timeout()],
    ['the end of a worker', timeout(ApplicationFailure.create({ message: shutdown, type: 'WorkerShutdown' }))],
  ])('has no word of Temporal for %s', (_, cause) => {
    expect(failureText(failed(cause))).toBe('no controller finished this in time');
  });
});
