import type { FlowInput } from '../ports/flow-workflow';
import type { FlowState } from './flow-state';
import type { Rollout } from './rollout';
import { throwIfSuperseded, type WorkflowRuntime } from './workflow-runtime';

/**
 * Pauses a flow: stops the sources, waits for the records in flight, at most for the grace time, and stops all other
 * replicas.
 */
export class FlowPause {
  constructor(
    private readonly state: FlowState,
    private readonly runtime: WorkflowRuntime,
    private readonly rollout: Rollout,
    private readonly input: Pick<FlowInput, 'flow' | 'limits'>,
  ) {}

  async run(): Promise<void> {
    const { state, runtime, rollout } = this;
    const { desired, applied } = state;
    if (state.isSettled) return;
    if (state.memo.phase !== 'Paused') {
      const leftover = applied.revision === 0 ? undefined : await this.drain(applied.revision);
      await rollout.apply(applied.revision || desired.revision, { halt: 'all' });
      throwIfSuperseded(runtime);
      await runtime.waits.awaitGone(this.input.flow);
      throwIfSuperseded(runtime);
      state.paused(leftover === undefined ? undefined : `timed out waiting for records in flight: ${leftover}`);
    } else if (state.isDrifted) {
      await rollout.apply(applied.revision || desired.revision, { halt: 'all' });
      throwIfSuperseded(runtime);
    }
    state.settled(desired);
  }

  /** Returns the functions that still hold records at the end of the grace time. */
  private async drain(revision: number): Promise<string | undefined> {
    const { state, runtime, input } = this;
    await this.rollout.apply(revision, { halt: 'sources' });
    throwIfSuperseded(runtime);
    const deadlineMs = runtime.now() + input.limits.pauseGraceMs;
    const leftover = await runtime.waits.drain(state.documentOf(revision), deadlineMs);
    throwIfSuperseded(runtime);
    return leftover;
  }
}
