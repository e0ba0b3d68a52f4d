import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  closedFailure,
  type FlowInput,
  type FlowMemo,
  type FlowRequest,
  observedSignal,
  requestNames,
} from '../ports/flow-request';
import { whyRefused } from './accept-request';
import { FlowLife } from './flow-life';

/**
 * One life of a flow, from a submit until it has stopped, completed, failed, or is deleted.
 *
 * I1. What is wanted and what is there are two things: requests change what is wanted, at once, and this brings the one
 *     to the other, from wherever it is.
 * I2. What waits is given up when something else is wanted; what changes something outside is finished first.
 * I3. Every request that was taken is in the events before the workflow closes.
 */
export async function KFlowDSL(input: FlowInput): Promise<FlowMemo> {
  const life = new FlowLife(input);
  for (const name of requestNames) {
    const validator = (request: FlowRequest) => {
      if (life.isClosed) throw ApplicationFailure.nonRetryable('it has closed', closedFailure);
      const reason = whyRefused(life.goal, request);
      if (reason !== undefined) throw ApplicationFailure.nonRetryable(reason, 'state-invalid');
    };
    setHandler(defineUpdate<FlowMemo, [FlowRequest]>(name), (request) => life.take(request), { validator });
  }
  setHandler(defineSignal(observedSignal), () => life.observe());
  try {
    await live(life);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // somebody cancelled the workflow itself: what runs goes, what it holds stays
    await CancellationScope.nonCancellable(() => life.leave('Canceled', 'its workflow was canceled'));
    throw error;
  }
  await condition(allHandlersFinished);
  return conclude(life);
}

/** Ends the workflow as Temporal names it. */
async function conclude(life: FlowLife): Promise<FlowMemo> {
  const { phase, reason = '' } = life.memo;
  if (phase === 'Failed') throw ApplicationFailure.nonRetryable(reason, 'flow-failed');
  if (phase === 'Canceled' || phase === 'Terminated') {
    await life.endAs(phase, reason);
    await CancellationScope.current().cancelRequested;
  }
  return life.memo;
}

async function live(life: FlowLife): Promise<void> {
  while (!life.isClosed) {
    const { version } = life;
    await life.reach();
    if (life.isClosed || life.isCalled(version)) continue;
    await life.save();
    await condition(() => life.isCalled(version), life.retryAfterMs);
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (continueAsNewSuggested || historyLength > life.limits.historyLength) await goOn(life);
  }
}

/** Goes on in another run, with what it knows. */
async function goOn(life: FlowLife): Promise<void> {
  do {
    await condition(allHandlersFinished);
    await life.save();
  } while (!allHandlersFinished());
  await continueAsNew<typeof KFlowDSL>(life.carried());
}
