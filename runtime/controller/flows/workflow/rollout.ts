import type { DesiredState, FlowInput } from '../ports/flow-workflow';
import type { ApplyStep, Transition } from './flow-activities';
import type { FlowState } from './flow-state';
import { throwIfSuperseded, type WorkflowRuntime } from './workflow-runtime';

const noTransition: Transition = { halted: [], kept: [], restarted: [] };

/**
 * Applies the desired revision to the cluster and waits until it is ready.
 *
 * I1. Every step is idempotent: a superseded rollout ends between two steps, and the next one continues from the applied
 *     state.
 * I2. Functions that re-read, or whose shared state changes, have no replicas while their consumers and epochs change.
 * I3. A rollback returns to a revision that was ready, or else to the one applied before.
 */
export class Rollout {
  private readyDeadlineMs = 0;
  private awaitingReady = false;

  constructor(
    private readonly state: FlowState,
    private readonly runtime: WorkflowRuntime,
    private readonly input: Pick<FlowInput, 'flow' | 'limits'>,
  ) {}

  /** Whether the rollout waits for replicas. A Job that ends interrupts the wait. */
  get isAwaitingReady(): boolean {
    return this.awaitingReady;
  }

  /** The first step of a workflow: removes replicas of an earlier workflow, and creates streams and buckets. */
  async prepare(): Promise<void> {
    const { state, runtime } = this;
    const preparing = runtime.changes.prepare(state.plannedDocumentOf(state.desired.revision));
    const [{ ended }] = await Promise.all([preparing, state.save()]);
    state.prepared(ended);
  }

  async run(): Promise<void> {
    if (!this.state.isSettled) await this.applyDesired(this.state.desired);
    await this.verifyReady();
  }

  /** Applies a revision. `step` lists the replicas that do not run for now. */
  async apply(revision: number, step: Partial<Pick<ApplyStep, 'halt' | 'without'>>): Promise<void> {
    const { desired, applied } = this.state;
    const hashes = await this.runtime.changes.apply({
      ...this.state.plannedDocumentOf(revision),
      pauses: desired.pauses,
      pins: applied.keptHashes,
      restarts: desired.restarts,
      ...step,
      without: [...applied.ended, ...(step.without ?? [])],
    });
    this.state.hashesApplied(hashes, step.halt !== undefined);
  }

  private async applyDesired(desired: DesiredState): Promise<void> {
    const { state, runtime, input } = this;
    const transition = await this.transitionTo(desired);
    await this.rewind(desired, transition.halted);
    const changed = state.transitionStarted(desired, transition);
    const { revision: before } = state.applied;
    const previous = before === desired.revision ? state.applied.previous : before;
    // recorded before the apply, too: after an interrupted apply, re-reads must not start twice
    if (before !== 0) state.revisionApplied(desired.revision, previous);
    await this.apply(desired.revision, {});
    state.revisionApplied(desired.revision, previous);
    throwIfSuperseded(runtime);
    this.readyDeadlineMs = runtime.now() + input.limits.readyTimeoutMs;
    state.settled(changed);
  }

  /** Compares the applied document with the desired one, and updates streams and buckets. */
  private async transitionTo(desired: DesiredState): Promise<Transition> {
    const { state, runtime, input } = this;
    const { revision } = state.applied;
    if (revision === 0 || revision === desired.revision) return noTransition;
    await this.verifyApplied(revision);
    const document = state.documentOf(desired.revision);
    const steps = state.record.revisions
      .filter(({ number }) => number > revision && number <= desired.revision)
      .map(({ digest, cause }) => ({ digest, isRollback: cause !== 'update' }));
    const transition = await runtime.changes.compare(input.flow, { from: state.documentOf(revision).digest, steps });
    const { epochs } = state.record;
    await runtime.changesWithin(input.limits.readyTimeoutMs).provision({ ...document, epochs });
    return transition;
  }

  /** Stops the replicas of `halted` and of functions that re-read, then moves the consumers of functions that re-read. */
  private async rewind({ revision, rewinds }: DesiredState, halted: readonly string[]): Promise<void> {
    const { state, runtime, input } = this;
    const document = state.documentOf(revision);
    const functions = rewinds.map(({ function: id }) => id);
    const reopened = functions.length === 0 ? [] : await runtime.changes.reopened(document, functions);
    const ending = [...new Set([...halted, ...reopened])];
    if (ending.length > 0 && state.applied.revision !== 0) {
      await this.apply(state.applied.revision, { without: ending });
      throwIfSuperseded(runtime);
      await runtime.waits.awaitGone(input.flow, ending);
      throwIfSuperseded(runtime);
    }
    if (functions.length === 0) return;
    await runtime.changes.rewind(document, rewinds);
    const reread = rewinds.filter(({ start }) => start.from !== 'letters').map(({ function: id }) => id);
    if (reread.length > 0) state.epochStarted(reread); // redriven letters keep the ids of their outputs
    await state.save();
    state.reopened(reopened);
  }

  /** Waits until the revision is ready, and rolls it back at the deadline. Without a revision to roll back to, waits on. */
  private async verifyReady(): Promise<void> {
    const { state, runtime } = this;
    const { number = 0, isProven } = state.revision(state.desired.revision) ?? {};
    if (isProven) return;
    const isLate = runtime.now() > this.readyDeadlineMs;
    const { generation } = state;
    const unreadiness = await this.awaitReady(isLate ? undefined : this.readyDeadlineMs);
    // a request may arrive between the end of the wait and this line
    if (state.generation !== generation) throwIfSuperseded(runtime);
    if (unreadiness === undefined) {
      state.markProven(number);
      if (state.memo.reason !== undefined) state.explain(undefined);
      return;
    }
    state.explain(unreadiness);
    const hasJobFailed = runtime.now() < this.readyDeadlineMs; // the flow fails instead
    if (!state.rollBack(unreadiness) && !isLate && !hasJobFailed) await this.verifyReady();
  }

  /** Marks the applied revision as one to roll back to, if it is ready now. */
  private async verifyApplied(revision: number): Promise<void> {
    const { state, runtime, input } = this;
    if (state.isHalted || state.revision(revision)?.isProven) return;
    const unreadiness = await runtime.waits.awaitReady(input.flow, runtime.now());
    throwIfSuperseded(runtime);
    if (unreadiness === undefined) state.markProven(revision);
  }

  private async awaitReady(deadlineMs: number | undefined): Promise<string | undefined> {
    this.awaitingReady = true;
    try {
      return await this.runtime.waits.awaitReady(this.input.flow, deadlineMs);
    } finally {
      this.awaitingReady = false;
      throwIfSuperseded(this.runtime);
    }
  }
}
