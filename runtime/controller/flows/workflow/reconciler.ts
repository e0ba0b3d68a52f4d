import { isCancellation } from '@temporalio/workflow';
import type { DriftCause } from '../../ports/workflows';
import type { FlowRequest } from '../ports/flow-request';
import type { FlowInput, FlowMemo } from '../ports/flow-workflow';
import { FlowEnding } from './flow-ending';
import { FlowPause } from './flow-pause';
import type { FlowState } from './flow-state';
import { Rollout } from './rollout';
import { type CancelableScope, failureText, isActivityFailure, type WorkflowRuntime } from './workflow-runtime';

/** How long to wait before failed steps are retried; a request retries them at once. */
const retryMs = 10_000;

/**
 * Reconciles the cluster with the desired state.
 *
 * I1. A request changes the desired state at once and cancels the steps in progress. Waits end at once; an attempt that
 *     changes something is completed first.
 * I2. At most one reconciliation runs at a time.
 */
export class Reconciler {
  private isBlocked = false;
  private isObserved = false;
  private scope: CancelableScope | undefined;
  private readonly rollout: Rollout;
  private readonly pause: FlowPause;
  private readonly ending: FlowEnding;

  constructor(
    readonly state: FlowState,
    private readonly runtime: WorkflowRuntime,
    private readonly input: FlowInput,
  ) {
    this.rollout = new Rollout(state, runtime, input);
    this.pause = new FlowPause(state, runtime, this.rollout, input);
    this.ending = new FlowEnding(state, runtime, input);
  }

  /** Accepts a valid request. Resolves once the request is in the event log. */
  async accept(request: FlowRequest): Promise<FlowMemo> {
    if (this.state.accept(request, this.isBlocked)) this.scope?.cancel();
    await this.state.save();
    return this.state.memo;
  }

  /**
   * Makes the next reconciliation check whether the flow completed or failed, because a Job ended in the cluster. With
   * `drift`, the desired state is applied again.
   */
  observe(drift?: string, cause?: DriftCause): void {
    this.isObserved = true;
    const isDrifted = drift !== undefined && this.state.drifted(drift, cause);
    if (isDrifted || this.rollout.isAwaitingReady) this.scope?.cancel();
  }

  /** Whether the desired state has changed since `generation`, or a Job was observed to end. */
  isDue(generation: number): boolean {
    return this.state.generation !== generation || this.isObserved;
  }

  /** Time until the next retry; undefined when nothing failed. */
  get retryAfterMs(): number | undefined {
    return this.isBlocked ? retryMs : undefined;
  }

  /** Resolves when the desired state is applied, has been superseded, or cannot be applied for now. */
  async reconcile(): Promise<void> {
    this.isObserved = false;
    await this.attempt(async () => {
      const { state } = this;
      if (state.desired.ending !== undefined) return this.ending.run(state.desired.ending);
      if (!state.applied.isPrepared) await this.rollout.prepare();
      if (state.desired.isPaused) await this.pause.run();
      else await this.rollout.run();
      if (state.memo.mode === 'batch' && !state.desired.isPaused) await this.ending.closeEndedBatch();
    });
    await this.state.save();
  }

  /** The workflow itself was canceled: removes the workloads and keeps the data. */
  cancel(): Promise<void> {
    return this.runtime.nonCancelable(() => this.ending.shutDown('canceled', 'its workflow was canceled'));
  }

  /** Makes Temporal end this workflow. */
  async endWorkflow(status: 'Canceled' | 'Terminated', reason: string): Promise<void> {
    const close = { status, reason, runId: this.runtime.runId };
    await this.runtime.nonCancelable(() => this.runtime.changes.closeAs(this.input.flow, close));
  }

  private async attempt(steps: () => Promise<void>): Promise<void> {
    const { state, isBlocked: wasBlocked } = this;
    const { generation } = state;
    this.isBlocked = false;
    const scope = this.runtime.openScope();
    this.scope = scope;
    try {
      await scope.run(steps);
      if (wasBlocked) state.explain(undefined);
    } catch (error) {
      if (isCancellation(error) && this.isDue(generation)) return;
      if (!isActivityFailure(error)) throw error;
      // the failure of a superseded attempt does not matter
      if (state.generation !== generation) return;
      await this.handleFailure(failureText(error));
    } finally {
      this.scope = undefined;
    }
  }

  /** Fails a flow whose first revision cannot be applied; rolls back a later revision, if possible; else retries later. */
  private async handleFailure(reason: string): Promise<void> {
    const { state } = this;
    const { ending, isPaused } = state.desired;
    if (ending === undefined && state.applied.revision === 0) {
      await this.ending.shutDown('failed', reason);
      return;
    }
    if (state.memo.reason !== reason) state.note({ kind: 'notice', what: 'refused', message: reason });
    state.explain(reason);
    const mayRollBack = ending === undefined && !isPaused;
    this.isBlocked = !(mayRollBack && state.rollBack(reason));
  }
}
