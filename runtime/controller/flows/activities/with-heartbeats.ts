import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ConfigError, isTransient, KFlowError } from '../../../../lib/errors';
import type { FlowActivities } from '../workflow/flow-activities';
import { Lease } from './lease';

const everyMs = 1_500;

type AnyActivity = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * Activities that give signs of life while they work, so that another controller takes them over within seconds, and
 * that end in Temporal's failures: what lasts until somebody changes something is not tried again.
 */
export function withHeartbeats(activities: FlowActivities): FlowActivities {
  const wrapped = Object.entries(activities).map(([name, activity]) => [name, living(activity as AnyActivity)]);
  return Object.fromEntries(wrapped) as FlowActivities;
}

function living(activity: AnyActivity): AnyActivity {
  return async (...args) => {
    const context = Context.current();
    const lease = new Lease();
    const timer = setInterval(() => {
      if (lease.renew()) context.heartbeat();
    }, everyMs);
    try {
      return await lease.hold(() => activity(...args));
    } catch (error) {
      // a wait that was cut short by the cancellation ends as that
      if (context.cancellationSignal.aborted) throw new CancelledFailure('the wait was given up');
      throw asFailure(error);
    } finally {
      clearInterval(timer);
    }
  };
}

/** A server out of reach comes back; everything else that is set up wrongly does not change by itself. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof KFlowError)) return error;
  const nonRetryable = error instanceof ConfigError && !isTransient(error);
  return ApplicationFailure.create({ message: error.message, type: error.code, nonRetryable, cause: error });
}
