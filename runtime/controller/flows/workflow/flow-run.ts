import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { DriftCause } from '../../ports/workflows';
import type { FlowRequest } from '../ports/flow-request';
import { type FlowInput, type FlowMemo, flowKind } from '../ports/flow-workflow';
import { FlowState } from './flow-state';
import { Reconciler } from './reconciler';
import type { WorkflowRuntime } from './workflow-runtime';

/**
 * One run of a flow's workflow: takes requests and reconciles until the flow closes, or continues in a new run.
 *
 * I1. Requests change the desired state at once; the reconciler then reconciles the cluster with it.
 * I2. Every accepted request is in the event log before the run ends.
 */
export class FlowRun {
  private readonly state: FlowState;
  private readonly reconciler: Reconciler;

  constructor(
    private readonly input: FlowInput,
    private readonly runtime: WorkflowRuntime,
  ) {
    this.state = new FlowState(input, runtime);
    this.reconciler = new Reconciler(this.state, runtime, input);
  }

  /** Throws ApplicationFailure for a request that is refused. */
  validate(request: FlowRequest): void {
    if (this.state.isClosed) throw ApplicationFailure.nonRetryable('the flow is closed', flowKind.closedFailure);
    const refusal = this.state.refusalOf(request);
    if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal, 'state-invalid');
  }

  /** Resolves once the request is in the event log. */
  accept(request: FlowRequest): Promise<FlowMemo> {
    return this.reconciler.accept(request);
  }

  observe(drift?: string, cause?: DriftCause): void {
    this.reconciler.observe(drift, cause);
  }

  async run(): Promise<FlowMemo> {
    try {
      await this.reconcileUntilClosed();
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await this.reconciler.cancel();
      throw error;
    }
    await this.runtime.waitUntil(() => this.runtime.areRequestsHandled());
    return this.conclude();
  }

  private async reconcileUntilClosed(): Promise<void> {
    const { state, reconciler, runtime } = this;
    while (!state.isClosed) {
      const { generation } = state;
      await reconciler.reconcile();
      if (state.isClosed || reconciler.isDue(generation)) continue;
      await state.save();
      await runtime.waitUntil(() => reconciler.isDue(generation), reconciler.retryAfterMs);
      if (runtime.isHistoryLong(this.input.limits.historyLength)) await this.continueInNewRun();
    }
  }

  private async continueInNewRun(): Promise<void> {
    const { state, runtime } = this;
    do {
      await runtime.waitUntil(() => runtime.areRequestsHandled());
      await state.save();
    } while (!runtime.areRequestsHandled());
    await runtime.continueAsNew(state.carry());
  }

  /** Ends the workflow with the status that corresponds to the phase. */
  private async conclude(): Promise<FlowMemo> {
    const { phase, reason = '' } = this.state.memo;
    if (phase === 'Failed') throw ApplicationFailure.nonRetryable(reason, 'flow-failed');
    if (phase === 'Canceled' || phase === 'Terminated') {
      await this.reconciler.endWorkflow(phase, reason);
      await this.runtime.untilCanceled();
    }
    return this.state.memo;
  }
}
