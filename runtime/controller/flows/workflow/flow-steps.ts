import { ActivityFailure, CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';
import type { FlowGoal, FlowInput } from '../ports/flow-request';
import { withoutDrops } from './accept-request';
import { failureText } from './failure-text';
import type { ApplyStep, FlowActivities, FlowDocument, Transition } from './flow-activities';
import type { FlowLife } from './flow-life';
import { finished, noTransition, pinsAfter } from './transitions';

/** Ways to what is outside. */
export interface ActivityDoors {
  /** What changes something: tried until it is done. */
  readonly activities: FlowActivities;
  /** What only looks: left at once when something else is wanted. */
  readonly waits: FlowActivities;
  /** What changes something, tried for so many milliseconds. */
  readonly within: (ms: number) => FlowActivities;
}

/**
 * How what is there becomes what is wanted. Each step may be begun again from its start: when something else is wanted,
 * waits end at once, and of what changes something outside only the try that runs is finished.
 */
export class FlowSteps {
  /** The goal that was last applied in full: nothing is to do for it. */
  private done: FlowGoal | undefined;
  private readyDeadlineMs = 0;
  /** Something was applied that is paused. */
  private isHalted = false;
  /** It waits for replicas only to see whether they get ready. */
  isProving = false;

  constructor(
    private readonly life: FlowLife,
    private readonly doors: ActivityDoors,
    private readonly input: FlowInput,
  ) {}

  /** The begin of a life: what an earlier one has left to look at goes, and streams and buckets are made. */
  async prepare(): Promise<void> {
    const { life } = this;
    const { activities } = this.doors;
    const document = this.documentOf(life.goal.revision);
    const preparing = activities.prepare({ ...document, epochs: life.book.record.epochs });
    const [{ ended }] = await Promise.all([preparing, life.save()]);
    life.applied = { ...life.applied, isPrepared: true, ended };
    life.tell({ ended });
  }

  async run(): Promise<void> {
    const { goal } = this.life;
    if (this.done !== goal) await this.change(goal);
    await this.prove();
  }

  /** Sources end first, then what they gave is processed, as far as that gets in the grace time. */
  async pause(): Promise<void> {
    const { life } = this;
    const { goal } = life;
    if (this.done === goal) return;
    if (life.memo.phase !== 'Paused') {
      life.enter('Pausing');
      const left = life.applied.revision === 0 ? undefined : await this.drain(life.applied.revision);
      await this.apply(life.applied.revision || goal.revision, { halt: 'all' });
      goOn();
      await this.doors.waits.awaitGone(this.input.flow);
      goOn();
      life.enter('Paused', left === undefined ? undefined : `not everything was processed in time: ${left}`);
    }
    this.settle(goal);
  }

  async end(ending: 'stop' | 'delete' | 'force'): Promise<void> {
    const { life } = this;
    const { activities, waits } = this.doors;
    const { flow } = this.input;
    life.enter('Stopping');
    await activities.removeWorkloads(flow, { now: ending === 'force', keepOwner: ending !== 'stop' });
    await waits.awaitGone(flow);
    goOn();
    if (ending === 'stop') return life.close('Stopped');
    const digest = life.book.lastRevision?.digest;
    if (digest !== undefined) {
      await activities.removeStreams({ flow, digest });
      await this.removePayloads({ flow, digest }, ending);
    }
    life.forget();
    await activities.removeDocuments(flow);
    goOn();
    await life.close(ending === 'force' ? 'Terminated' : 'Canceled', 'it was deleted');
  }

  /** By force, what an object store does not let go of in a minute is left there, and told. */
  private async removePayloads(document: FlowDocument, ending: 'delete' | 'force'): Promise<void> {
    if (ending === 'delete') return this.doors.activities.removePayloads(document);
    try {
      await this.doors.within(60_000).removePayloads(document);
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      this.life.book.note({
        kind: 'notice',
        what: 'left-behind',
        message: `payloads in its message store: ${failureText(error)}`,
      });
    }
  }

  /** Whether a batch flow has come to its end. */
  async judge(): Promise<void> {
    const { life } = this;
    const { activities } = this.doors;
    if (life.applied.revision === 0) return;
    const document = this.documentOf(life.applied.revision);
    const verdict = await activities.judge(document, life.applied.ended);
    if (verdict.outcome === 'open') return;
    goOn();
    await activities.removeWorkloads(this.input.flow, { keepEnded: true });
    if (verdict.outcome === 'completed') await activities.markCompleted(document);
    goOn();
    if (verdict.outcome === 'completed') await life.close('Completed', verdict.reason);
    else await life.close('Failed', verdict.reason);
  }

  /** From a revision that does not get ready, to the last one that did; false when there is none. */
  goBack(reason: string): boolean {
    const { life } = this;
    const { goal, applied } = life;
    const { record } = life.book;
    const earlier = record.revisions.filter(({ number }) => number < goal.revision);
    const target =
      earlier.findLast(({ isProven }) => isProven) ??
      earlier.find(
        ({ number }) => number === (applied.revision === goal.revision ? applied.previous : applied.revision),
      );
    const failed = record.revisions.find(({ number }) => number === goal.revision);
    if (target === undefined || failed === undefined || failed.isProven || failed.digest === target.digest)
      return false;
    const comment = `revision ${failed.number} did not get ready: ${reason}`;
    const at = new Date().toISOString();
    life.book.revise({ digest: target.digest, cause: 'auto-rollback', by: 'kflow', at, comment });
    life.book.note({ kind: 'notice', what: 'auto-rollback', message: `${comment}; back to revision ${target.number}` });
    const { number } = life.book.lastRevision ?? target;
    life.book.prove(number);
    life.goal = withoutDrops({ ...goal, revision: number });
    life.tell({ ...life.wanted, isSettled: false, reason: comment });
    life.version++;
    return true;
  }

  private settle(goal: FlowGoal): void {
    this.done = goal;
    this.life.tell({ isSettled: true });
  }

  /** Ends the sources, and waits until what they gave is processed. Gives who holds what when the time is up. */
  private async drain(revision: number): Promise<string | undefined> {
    await this.apply(revision, { halt: 'sources' });
    goOn();
    const deadlineMs = Date.now() + this.input.limits.pauseGraceMs;
    const left = await this.doors.waits.drain(this.documentOf(revision), deadlineMs);
    goOn();
    return left;
  }

  /** Applies a goal: what has to end before it, what is read anew, and then all of it. */
  private async change(goal: FlowGoal): Promise<void> {
    const { life } = this;
    this.readyDeadlineMs = Date.now() + this.input.limits.readyTimeoutMs;
    const transition = await this.transitionTo(goal);
    await this.rewind(goal, transition.halted);
    life.applied = { ...life.applied, pins: pinsAfter(life.applied, transition, goal.rewinds) };
    life.goal = finished(life.goal, goal, transition);
    const changed = life.goal;
    const { revision: before } = life.applied;
    const previous = before === goal.revision ? life.applied.previous : before;
    const applied = { revision: goal.revision, previous };
    // cut off in the middle, it is there in part: from here on nothing that was read anew is read anew once more
    if (before !== 0) life.applied = { ...life.applied, ...applied };
    await this.apply(goal.revision, {});
    // it is there now, whatever is wanted by now
    life.applied = { ...life.applied, ...applied };
    goOn();
    this.readyDeadlineMs = Date.now() + this.input.limits.readyTimeoutMs;
    this.settle(changed);
    life.enter('Running');
  }

  private async transitionTo(goal: FlowGoal): Promise<Transition> {
    const { life } = this;
    const { activities } = this.doors;
    const { revision } = life.applied;
    if (revision === 0 || revision === goal.revision) return noTransition;
    await this.proveApplied(revision);
    const document = this.documentOf(goal.revision);
    const steps = life.book.record.revisions
      .filter(({ number }) => number > revision && number <= goal.revision)
      .map(({ digest, cause }) => ({ digest, isRollback: cause !== 'update' }));
    const transition = await activities.compare(this.input.flow, { from: this.documentOf(revision).digest, steps });
    await this.doors
      .within(this.input.limits.readyTimeoutMs)
      .provision({ ...document, epochs: life.book.record.epochs });
    return transition;
  }

  /**
   * Ends these functions, and those that read anew with all that follows them in a batch flow; then their outputs get
   * other ids, so that none is taken for a repeat.
   */
  private async rewind(goal: FlowGoal, halted: readonly string[]): Promise<void> {
    const { life } = this;
    const { rewinds } = goal;
    const { activities } = this.doors;
    const { flow } = this.input;
    const document = this.documentOf(goal.revision);
    const functions = rewinds.map(({ function: id }) => id);
    const reopened = functions.length === 0 ? [] : await activities.reopened(document, functions);
    const ending = [...new Set([...halted, ...reopened])];
    if (ending.length > 0 && life.applied.revision !== 0) {
      await this.apply(life.applied.revision, { without: ending });
      goOn();
      await this.doors.waits.awaitGone(flow, ending);
      goOn();
    }
    if (functions.length === 0) return;
    await activities.rewind(document, rewinds);
    const epoch = Math.max(0, ...Object.values(life.book.record.epochs)) + 1;
    const epochs = Object.fromEntries(functions.map((id) => [id, epoch]));
    life.book.record = { ...life.book.record, epochs: { ...life.book.record.epochs, ...epochs } };
    await life.save();
    const ended = life.applied.ended.filter((id) => !reopened.includes(id));
    life.applied = { ...life.applied, ended };
    life.tell({ ended });
  }

  /** Waits for the replicas of what was applied, as long as it takes: there may be nothing to go back to. */
  private async prove(): Promise<void> {
    const { life } = this;
    const { number = 0, isProven } = life.book.revision(life.goal.revision) ?? {};
    if (isProven) return;
    const isLate = Date.now() > this.readyDeadlineMs;
    const whyNot = await this.awaitReady(isLate ? undefined : this.readyDeadlineMs);
    if (whyNot === undefined) {
      life.book.prove(number);
      if (life.memo.reason !== undefined) life.tell({ reason: undefined }); // it was late
      return;
    }
    life.tell({ reason: whyNot });
    const isHopeless = Date.now() < this.readyDeadlineMs; // a Job has failed, which is judged
    if (!this.goBack(whyNot) && !isLate && !isHopeless) await this.prove();
  }

  /** What runs by now is what a failed change goes back to, if it is well. */
  private async proveApplied(revision: number): Promise<void> {
    if (this.isHalted || this.life.book.revision(revision)?.isProven) return;
    const whyNot = await this.doors.waits.awaitReady(this.input.flow, Date.now());
    goOn();
    if (whyNot === undefined) this.life.book.prove(revision);
  }

  private async awaitReady(deadlineMs: number | undefined): Promise<string | undefined> {
    this.isProving = true;
    try {
      return await this.doors.waits.awaitReady(this.input.flow, deadlineMs);
    } finally {
      this.isProving = false;
      goOn();
    }
  }

  private async apply(revision: number, step: Partial<ApplyStep>): Promise<void> {
    const { life } = this;
    const { activities } = this.doors;
    const { goal, applied } = life;
    const { record } = life.book;
    const whole: ApplyStep = {
      ...this.documentOf(revision),
      epochs: record.epochs,
      pauses: goal.pauses,
      pins: applied.pins,
      restarts: goal.restarts,
      ...step,
      without: [...applied.ended, ...(step.without ?? [])],
    };
    const hashes = await activities.apply(whole);
    this.isHalted = step.halt !== undefined;
    life.applied = { ...life.applied, hashes: { ...life.applied.hashes, ...hashes } };
  }

  private documentOf(revision: number): FlowDocument {
    const found = this.life.book.revision(revision);
    return { flow: this.input.flow, digest: found?.digest ?? '' };
  }
}

/** Throws when something else is wanted by now: what comes next is no longer to be done. */
function goOn(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('something else is wanted');
}
