import type { WorkflowExecutionDescription } from '@temporalio/client';
import { interruptionTypes } from '../../controller/ports/workflows';

type PendingActivities = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>;
type Failure = NonNullable<PendingActivities[number]['lastFailure']>;

/** PENDING_ACTIVITY_STATE_STARTED of Temporal's API. */
const activityStarted = 2;
/** A retry that has run for so long has got over the failure of the attempt before it. */
const overcomeMs = 10_000;
/** So many attempts without a result are more than the end of one controller, and of the one that took over. */
const frequentAttempts = 4;

/**
 * Why an activity waits for its next attempt, or has just begun it. An attempt that ended with its controller has no reason
 * of its own, because another controller takes over; undefined then, unless it happens again and again.
 */
export function pendingFailure(activities: PendingActivities): string | undefined {
  const failing = activities.find(({ lastFailure, lastStartedTime, state }) => {
    const isRunning = state === activityStarted;
    const startedMs = Number(lastStartedTime?.seconds ?? 0) * 1_000;
    return lastFailure && !(isRunning && Date.now() - startedMs > overcomeMs);
  });
  if (failing === undefined) return undefined;
  let failure: Failure | null | undefined = failing.lastFailure;
  while (failure && isInterruption(failure)) failure = failure.cause;
  if (failure) return failure.message ?? undefined;
  const attempt = failing.attempt ?? 1;
  if (attempt < frequentAttempts) return undefined;
  return `controllers ended or froze in each of ${attempt - 1} attempts; see their logs`;
}

/** Whether Temporal, or the end of a worker, ended the attempt: the texts of such failures say nothing about the flow. */
function isInterruption({ applicationFailureInfo, timeoutFailureInfo, canceledFailureInfo }: Failure): boolean {
  if (timeoutFailureInfo || canceledFailureInfo) return true;
  return interruptionTypes.has(applicationFailureInfo?.type ?? '');
}
