import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { FlowGoal, FlowInput } from '../ports/flow-request';
import type { Revision } from '../ports/flow-store';
import type { Rewind } from '../ports/streams';
import { countRestarts } from './accept-request';
import type { ApplyStep, FlowActivities, FlowDocument, Transition } from './flow-activities';
import type { FlowLife } from './flow-life';

/**
 * How what is there becomes what is wanted. Each step may be begun again from its start: when something else is wanted,
 * waits end at once, and of what changes something outside only the try that runs is finished.
 */
export class FlowSteps {
  /** The goal that was last applied in full: nothing is to do for it. */
  private done: FlowGoal | undefined;
  private readyDeadlineMs = 0;
  /** It waits for replicas only to see whether they get ready. */
  isProving = false;

  constructor(
    private readonly life: FlowLife,
    private readonly activities: FlowActivities,
    private readonly waits: FlowActivities,
    private readonly input: FlowInput,
  ) {}

  /** The begin of a life: what an earlier one has left to look at goes, and streams and buckets are made. */
  async prepare(): Promise<void> {
    const { life, activities } = this;
    const document = this.documentOf(life.goal.revision);
    const preparing = activities.prepare({ ...document, epochs: life.record.epochs });
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
      await this.waits.awaitGone(this.input.flow);
      goOn();
      life.enter('Paused', left === undefined ? undefined : `not everything was processed in time: ${left}`);
    }
    this.settle(goal);
  }

  async end(ending: 'stop' | 'delete' | 'force'): Promise<void> {
    const { life, activities, waits } = this;
    const { flow } = this.input;
    life.enter('Stopping');
    await activities.removeWorkloads(flow, { now: ending === 'force' });
    await waits.awaitGone(flow);
    goOn();
    if (ending === 'stop') return life.close('Stopped');
    const digest = life.lastRevision?.digest;
    if (digest !== undefined) await activities.removeData({ flow, digest });
    life.forget();
    await activities.removeDocuments(flow);
    goOn();
    await life.close(ending === 'force' ? 'Terminated' : 'Canceled', 'it was deleted');
  }

  /** Whether a batch flow has come to its end. */
  async judge(): Promise<void> {
    const { life, activities } = this;
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
    const { goal, record, applied } = life;
    const earlier = record.revisions.filter(({ number }) => number < goal.revision);
    const target =
      earlier.findLast(({ isProven }) => isProven) ?? earlier.find(({ number }) => number === applied.revision);
    const failed = record.revisions.find(({ number }) => number === goal.revision);
    if (target === undefined || failed === undefined || failed.isProven || failed.digest === target.digest)
      return false;
    const comment = `revision ${failed.number} did not get ready: ${reason}`;
    const at = new Date().toISOString();
    life.revise({ digest: target.digest, cause: 'auto-rollback', by: 'kflow', at, comment });
    life.note({ kind: 'notice', what: 'auto-rollback', message: `${comment}; back to revision ${target.number}` });
    const { number } = life.lastRevision ?? target;
    this.markProven(number);
    life.goal = { ...goal, revision: number };
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
    const left = await this.waits.drain(this.documentOf(revision), deadlineMs);
    goOn();
    return left;
  }

  /** Applies a goal: what has to end before it, what is read anew, and then all of it. */
  private async change(goal: FlowGoal): Promise<void> {
    const { life } = this;
    const transition = await this.transitionTo(goal);
    const dropped = transition.dropped.map((id): Rewind => ({ function: id, start: { from: 'first' } }));
    await this.rewind(goal, [...goal.rewinds, ...dropped], transition.halted);
    life.applied = { ...life.applied, pins: pinsAfter(life.applied, transition) };
    life.goal = finished(life.goal, goal, transition);
    const changed = life.goal;
    await this.apply(goal.revision, {});
    // it is there now, whatever is wanted by now
    life.applied = { ...life.applied, revision: goal.revision };
    goOn();
    this.readyDeadlineMs = Date.now() + this.input.limits.readyTimeoutMs;
    this.settle(changed);
    life.enter('Running');
  }

  private async transitionTo(goal: FlowGoal): Promise<Transition> {
    const { life, activities } = this;
    const { revision } = life.applied;
    if (revision === 0 || revision === goal.revision) return noTransition;
    const document = this.documentOf(goal.revision);
    const cause = life.record.revisions.find(({ number }) => number === goal.revision)?.cause;
    const comparison = { from: this.documentOf(revision).digest, to: document.digest, isRollback: cause !== 'update' };
    const transition = await activities.compare(this.input.flow, comparison);
    await activities.provision({ ...document, epochs: life.record.epochs });
    return transition;
  }

  /**
   * Ends these functions, and those that read anew with all that follows them in a batch flow; then their outputs get
   * other ids, so that none is taken for a repeat.
   */
  private async rewind(goal: FlowGoal, rewinds: readonly Rewind[], halted: readonly string[]): Promise<void> {
    const { life, activities } = this;
    const { flow } = this.input;
    const document = this.documentOf(goal.revision);
    const functions = rewinds.map(({ function: id }) => id);
    const reopened = functions.length === 0 ? [] : await activities.reopened(document, functions);
    const ending = [...new Set([...halted, ...reopened])];
    if (ending.length > 0 && life.applied.revision !== 0) {
      await this.apply(life.applied.revision, { without: ending });
      goOn();
      await this.waits.awaitGone(flow, ending);
      goOn();
    }
    if (functions.length === 0) return;
    await activities.rewind(document, rewinds);
    const epoch = Math.max(0, ...Object.values(life.record.epochs)) + 1;
    const epochs = Object.fromEntries(functions.map((id) => [id, epoch]));
    life.record = { ...life.record, epochs: { ...life.record.epochs, ...epochs } };
    await life.save();
    const ended = life.applied.ended.filter((id) => !reopened.includes(id));
    life.applied = { ...life.applied, ended };
    life.tell({ ended });
  }

  private async prove(): Promise<void> {
    const { life, waits } = this;
    const { number = 0, isProven } = life.record.revisions.find((each) => each.number === life.goal.revision) ?? {};
    if (isProven || Date.now() > this.readyDeadlineMs) return;
    this.isProving = true;
    try {
      const whyNot = await waits.awaitReady(this.input.flow, this.readyDeadlineMs);
      goOn();
      if (whyNot === undefined) {
        this.markProven(number);
        if (life.memo.reason !== undefined) life.tell({ reason: undefined }); // it was late
      } else {
        life.tell({ reason: whyNot });
        this.goBack(whyNot);
      }
    } finally {
      this.isProving = false;
    }
  }

  private markProven(number: number): void {
    const { life } = this;
    const revisions = life.record.revisions.map(
      (revision): Revision => (revision.number === number ? { ...revision, isProven: true } : revision),
    );
    life.record = { ...life.record, revisions };
  }

  private async apply(revision: number, step: Partial<ApplyStep>): Promise<void> {
    const { life, activities } = this;
    const { goal, applied, record } = life;
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
    life.applied = { ...life.applied, hashes: { ...life.applied.hashes, ...hashes } };
  }

  private documentOf(revision: number): FlowDocument {
    const found = this.life.record.revisions.find(({ number }) => number === revision);
    return { flow: this.input.flow, digest: found?.digest ?? '' };
  }
}

/** Throws when something else is wanted by now: what comes next is no longer to be done. */
function goOn(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('something else is wanted');
}

/** What is still wanted when a goal was reached, of what is wanted by now. */
function finished(now: FlowGoal, reached: FlowGoal, { restarted }: Transition): FlowGoal {
  return {
    ...now,
    rewinds: now.rewinds.filter((rewind) => !reached.rewinds.includes(rewind)),
    // other credentials alone are no other template
    restarts: countRestarts(now.restarts, restarted),
  };
}

const noTransition: Transition = { halted: [], dropped: [], kept: [], restarted: [] };

/** A function that is changed and not restarted keeps the hash it has; one that is restarted, its own. */
function pinsAfter(
  { pins, hashes }: FlowLife['applied'],
  { kept, restarted }: Transition,
): FlowLife['applied']['pins'] {
  const others = Object.entries(pins).filter(([id]) => !restarted.includes(id));
  const pinned = kept.flatMap((id) => {
    const hash = pins[id] ?? hashes[id];
    return hash === undefined ? [] : [[id, hash] as const];
  });
  return Object.fromEntries([...others, ...pinned]);
}
