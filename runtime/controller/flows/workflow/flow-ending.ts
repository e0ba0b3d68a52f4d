import type { FlowInput } from '../ports/flow-workflow';
import type { FlowDocument } from './flow-activities';
import type { FlowState } from './flow-state';
import { failureText, isActivityFailure, throwIfSuperseded, type WorkflowRuntime } from './workflow-runtime';

/** How long a forced delete waits for object stores. */
const payloadsTimeoutMs = 60_000;

/** Closes flows: by request, when a batch has ended, or when the flow failed or its workflow was canceled. */
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
      await this.removeStreams({ flow, digest }, ending);
      await this.removePayloads({ flow, digest }, ending);
    }
    state.dataRemoved();
    await runtime.changes.removeDocuments(flow);
    throwIfSuperseded(runtime);
    await state.close(ending === 'force' ? 'deleted-by-force' : 'deleted', 'the flow was deleted');
  }

  /** Closes a batch flow that has completed or failed; any other flow stays open. */
  async closeEndedBatch(): Promise<void> {
    const { state, runtime } = this;
    const { revision, ended } = state.applied;
    if (revision === 0) return;
    const document = state.documentOf(revision);
    const { outcome, reason, redriving = [] } = await runtime.changes.judge(document, ended);
    if (redriving.length > 0) state.redriveDue(redriving);
    if (outcome === 'open') return;
    throwIfSuperseded(runtime);
    await runtime.changes.removeWorkloads(this.input.flow, { keepEnded: true });
    if (outcome === 'completed') await runtime.changes.markCompleted(document);
    throwIfSuperseded(runtime);
    await state.close(outcome, reason);
  }

  /** Removes the workloads and closes the flow, but keeps its data. A delete in progress is completed instead. */
  async shutDown(event: 'failed' | 'canceled', reason: string): Promise<void> {
    const { state, runtime } = this;
    if (state.isClosed) return;
    const { ending } = state.desired;
    if (ending === 'delete' || ending === 'force') return this.run(ending);
    try {
      await runtime.changes.removeWorkloads(this.input.flow, {});
    } catch (error) {
      // a cluster that denies deleting workloads has denied creating them too
      if (!isActivityFailure(error)) throw error;
    }
    await state.close(event, reason);
  }

  /** If the document that names the streams is lost, a forced delete leaves them behind. */
  private async removeStreams(document: FlowDocument, ending: 'delete' | 'force'): Promise<void> {
    try {
      await this.runtime.changes.removeStreams(document);
    } catch (error) {
      if (ending === 'delete') throw error;
      this.leaveBehind('the streams', error);
    }
  }

  /** If the object store does not respond, a forced delete leaves the payloads behind. */
  private async removePayloads(document: FlowDocument, ending: 'delete' | 'force'): Promise<void> {
    const { runtime } = this;
    if (ending === 'delete') return runtime.changes.removePayloads(document);
    try {
      await runtime.changesWithin(payloadsTimeoutMs).removePayloads(document);
    } catch (error) {
      this.leaveBehind('the payloads in the message store', error);
    }
  }

  /** Notes in the event log what a forced delete has not removed. Throws errors that are no failures of the activity. */
  private leaveBehind(what: string, error: unknown): void {
    if (!isActivityFailure(error)) throw error;
    const message = `cannot remove ${what}: ${failureText(error)}`;
    this.state.note({ kind: 'notice', what: 'left-behind', message });
  }
}
