import {
  ActivityCancellationType,
  type ActivityOptions,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  upsertMemo,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { DriftCause } from '../../ports/workflows';
import { type FlowRequest, requestNames } from '../ports/flow-request';
import { type FlowInput, type FlowMemo, flowKind } from '../ports/flow-workflow';
import type { FlowActivities } from './flow-activities';
import { FlowRun } from './flow-run';
import type { WorkflowRuntime } from './workflow-runtime';

const options: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  // longer than an activity's lease
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '250 milliseconds', maximumInterval: '5 seconds', backoffCoefficient: 2 },
};
const waitForCancellation = { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED };

const changes = proxyActivities<FlowActivities>({ ...options, ...waitForCancellation });
const waits = proxyActivities<FlowActivities>({ ...options, cancellationType: ActivityCancellationType.TRY_CANCEL });

/** The workflow of a flow, from a submit until the flow is stopped, completed, failed or deleted. */
export async function KFlowDSL(input: FlowInput): Promise<FlowMemo> {
  const run = new FlowRun(input, temporalRuntime());
  for (const name of requestNames) {
    const validator = (request: FlowRequest) => run.validate(request);
    setHandler(defineUpdate<FlowMemo, [FlowRequest]>(name), (request) => run.accept(request), { validator });
  }
  setHandler(defineSignal<[string?, DriftCause?]>(flowKind.observedSignal), (drift, cause) =>
    run.observe(drift, cause),
  );
  return run.run();
}

/** Binds the workflow's steps to the Temporal SDK. */
function temporalRuntime(): WorkflowRuntime {
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
