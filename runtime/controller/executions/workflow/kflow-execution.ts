import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ExecutionView } from '../../../api-contract/execution-status';
import { TaskErrorCode } from '../../../api-contract/task-error-code';
import { executionView } from '../ports/execution-view';
import {
  answered,
  askUpdate,
  commandUpdate,
  type ExecutionCommand,
  type ExecutionInput,
  type Question,
  reportSignal,
  type SnapshotAnswer,
  type StepReport,
  snapshotQuery,
} from '../ports/execution-workflow';
import type { SignalMark } from '../ports/signal-marks';
import type { Refusal } from './approvals';
import type { CallOrder, ExecutionActivities, ExecutionCalls } from './execution-activities';
import { ExecutionRun } from './execution-run';
import type { ExecutionRuntime, PendingCall } from './execution-runtime';

/** Local: within the task of the workflow, without a round trip to Temporal. They are retried until their server is back. */
const activities = proxyLocalActivities<ExecutionActivities>({
  startToCloseTimeout: '1 minute',
  // below it, a retry keeps the task of the workflow
  localRetryThreshold: '5 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '2 seconds', backoffCoefficient: 2 },
});

const calls = proxyActivities<ExecutionCalls>({
  startToCloseTimeout: '30 days',
  // longer than an activity's lease
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '250 milliseconds', maximumInterval: '5 seconds', backoffCoefficient: 2 },
});

/** The workflow of one run of a task flow. */
export async function KFlowExecution(input: ExecutionInput): Promise<ExecutionView> {
  const run = new ExecutionRun(input, temporalRuntime());
  // whatever arrives after a cancel of the workflow itself is done as before it
  const act = (command: ExecutionCommand) => CancellationScope.nonCancellable(() => run.command(command));
  setHandler(defineSignal<[readonly StepReport[], SignalMark?]>(reportSignal), (reports, mark) =>
    run.receive(reports, mark),
  );
  setHandler(defineQuery<SnapshotAnswer | null>(snapshotQuery), () => run.answer());
  setHandler(defineUpdate<void, [readonly Question[]]>(askUpdate), () => undefined, {
    validator: (questions: readonly Question[]) => {
      const details = [questions.map((question) => run.answerTo(question))];
      throw ApplicationFailure.create({ message: answered, type: answered, nonRetryable: true, details });
    },
  });
  setHandler(defineUpdate<ExecutionView, [ExecutionCommand]>(commandUpdate), act, {
    validator: (command) => refuse(run.refusalOf(command)),
  });
  // an overlap policy of a schedule, or somebody at Temporal, cancels the workflow itself
  CancellationScope.current().cancelRequested.catch(() => act({ kind: 'cancel', by: 'temporal' }));
  const snapshot = await CancellationScope.nonCancellable(() => run.run());
  const view = executionView(snapshot);
  if (view.status === 'Completed') return view;
  throw ApplicationFailure.nonRetryable(view.reason ?? 'canceled', `execution-${view.status.toLowerCase()}`);
}

function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
}

/** Binds the workflow's steps to the Temporal SDK. */
function temporalRuntime(): ExecutionRuntime {
  return {
    activities,
    call,
    now: () => Date.now(),
    random: () => Math.random(),
    // `runStartTime` is that of the first task of the workflow, not of the run
    takenMs: () => workflowInfo().startTime.getTime(),
    scheduledId: () => workflowInfo().workflowId.split('/').at(-1) ?? '',
    waitUntil: (holds, timeoutMs) =>
      timeoutMs === undefined ? condition(holds) : condition(holds, Math.max(1, Math.ceil(timeoutMs))),
    areRequestsHandled: allHandlersFinished,
    isHistoryLong: (limit) => {
      const { historyLength, continueAsNewSuggested } = workflowInfo();
      return continueAsNewSuggested || historyLength > limit;
    },
    continueAsNew: (next) => continueAsNew<(input: ExecutionInput) => Promise<unknown>>(next),
  };
}

function call(order: CallOrder): PendingCall {
  const scope = new CancellationScope();
  const result = scope
    .run(() => calls.callStep(order))
    .catch((error) => {
      const code = isCancellation(error) ? TaskErrorCode.Canceled : 'call-failed';
      return { kind: 'failed', code, message: (error as Error).message } as const;
    });
  return { result, cancel: () => scope.cancel() };
}
