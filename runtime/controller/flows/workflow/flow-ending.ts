import type { FlowInput } from '../ports/flow-workflow';
import type { FlowDocument } from './flow-activities';
import type { FlowState } from './flow-state';
import { failureText, isActivityFailure, throwIfSuperseded, type WorkflowRuntime } from './workflow-runtime';

/** Time that a forced delete gives object stores. */
const payloadsTimeoutMs = 60_000;

/** The ways a flow closes: by request, by the end of a batch, or because it failed or its workflow was canceled. */
export class FlowEnding {
  constructor(
    private readonly state: FlowState,
    private readonly runtime: WorkflowRuntime,
    private readonly input: Pick<FlowInput, 'flow'>,
  ) {}

  /** Stops or deletes the flow. */
  async run(ending: 'stop' | 'delete' | 'force'): Promise<void> {
    const { state, runtime } = this;
    const { flow } = this.input;
    await runtime.changes.removeWorkloads(flow, { now: ending === 'force', keepOwner: ending !== 'stop' });
    await runtime.waits.awaitGone(flow);
    throwIfSuperseded(runtime);
    if (ending === 'stop') return state.close('stopped');
    const digest = state.lastRevision?.digest;
    if (digest !== undefined) {
      await runtime.changes.removeStreams({ flow, digest });
      await this.removePayloads({ flow, digest }, ending);
    }
    state.dataRemoved();
    await runtime.changes.removeDocuments(flow);
    throwIfSuperseded(runtime);
    await state.close(ending === 'force' ? 'deleted-by-force' : 'deleted', 'it was deleted');
  }

  /** Closes a batch flow that completed or failed. */
  async judge(): Promise<void> {
    const { state, runtime } = this;
    const { revision, ended } = state.applied;
    if (revision === 0) return;
    const document = state.documentOf(revision);
    const { outcome, reason } = await runtime.changes.judge(document, ended);
    if (outcome === 'open') return;
    throwIfSuperseded(runtime);
    await runtime.changes.removeWorkloads(this.input.flow, { keepEnded: true });
    if (outcome === 'completed') await runtime.changes.markCompleted(document);
    throwIfSuperseded(runtime);
    await state.close(outcome, reason);
  }

  /** Removes the workloads and closes with all data kept; a delete in progress is finished instead. */
  async shutDown(event: 'failed' | 'canceled', reason: string): Promise<void> {
    const { state, runtime } = this;
    if (state.isClosed) return;
    const { ending } = state.desired;
    if (ending === 'delete' || ending === 'force') return this.run(ending);
    try {
      await runtime.changes.removeWorkloads(this.input.flow, {});
    } catch (error) {
      // a cluster that refuses the removal has refused to create the workloads too
      if (!isActivityFailure(error)) throw error;
    }
    await state.close(event, reason);
  }

  /** A forced delete leaves the payloads of an object store that does not respond, and notes that. */
  private async removePayloads(document: FlowDocument, ending: 'delete' | 'force'): Promise<void> {
    const { state, runtime } = this;
    if (ending === 'delete') return runtime.changes.removePayloads(document);
    try {
      await runtime.changesWithin(payloadsTimeoutMs).removePayloads(document);
    } catch (error) {
      if (!isActivityFailure(error)) throw error;
      const message = `payloads in its message store: ${failureText(error)}`;
      state.note({ kind: 'notice', what: 'left-behind', message });
    }
  }
}
