import {
  ActivityCancellationType,
  type ActivityOptions,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  upsertMemo,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { type FlowInput, flowKind } from '../ports/flow-workflow';
import type { FlowActivities } from './flow-activities';
import type { WorkflowRuntime } from './workflow-runtime';

const options: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  // an activity's lease ends earlier
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '250 milliseconds', maximumInterval: '5 seconds', backoffCoefficient: 2 },
};
const waitForCancellation = { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED };

const changes = proxyActivities<FlowActivities>({ ...options, ...waitForCancellation });
const waits = proxyActivities<FlowActivities>({ ...options, cancellationType: ActivityCancellationType.TRY_CANCEL });

/** The runtime of the workflow that calls this. */
export function temporalRuntime(): WorkflowRuntime {
  const { runId, startTime } = workflowInfo();
  return {
    runId,
    startTime: startTime.toISOString(),
    changes,
    waits,
    changesWithin: (ms) => proxyActivities({ ...options, ...waitForCancellation, scheduleToCloseTimeout: ms }),
    now: () => Date.now(),
    newId: uuid4,
    publishMemo: (memo) => upsertMemo({ [flowKind.memoKey]: memo }),
    openScope: () => new CancellationScope(),
    nonCancelable: (work) => CancellationScope.nonCancellable(work),
    isCanceled: () => CancellationScope.current().consideredCancelled,
    waitUntil: (holds, timeoutMs) => (timeoutMs === undefined ? condition(holds) : condition(holds, timeoutMs)),
    areRequestsHandled: allHandlersFinished,
    isHistoryLong: (limit) => {
      const { historyLength, continueAsNewSuggested } = workflowInfo();
      return continueAsNewSuggested || historyLength > limit;
    },
    continueAsNew: (input) => continueAsNew<(input: FlowInput) => Promise<unknown>>(input),
    untilCanceled: () => CancellationScope.current().cancelRequested,
  };
}
