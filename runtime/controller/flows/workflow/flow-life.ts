import {
  ActivityCancellationType,
  ActivityFailure,
  type ActivityOptions,
  CancellationScope,
  isCancellation,
  proxyActivities,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type AppliedFlow,
  type FlowGoal,
  type FlowInput,
  type FlowMemo,
  type FlowRequest,
  memoKey,
} from '../ports/flow-request';
import type { ClosedStatus } from '../ports/flow-store';
import { acceptRequest, without } from './accept-request';
import { auditOf } from './audit-of';
import { failureText } from './failure-text';
import type { FlowActivities } from './flow-activities';
import { FlowBook } from './flow-book';
import { FlowSteps } from './flow-steps';

const options: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '250 milliseconds', maximumInterval: '5 seconds', backoffCoefficient: 2 },
};
const activities = proxyActivities<FlowActivities>({
  ...options,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
/** What only looks is left at once. */
const waits = proxyActivities<FlowActivities>({ ...options, cancellationType: ActivityCancellationType.TRY_CANCEL });

const nothingApplied: AppliedFlow = { isPrepared: false, revision: 0, previous: 0, ended: [], hashes: {}, pins: {} };
/** What was refused by something outside is tried again after this long, unless something else is wanted first. */
const retryMs = 10_000;

/** A flow's state in its workflow: what is wanted, what is there, and what is told of it. */
export class FlowLife {
  /** Counts requests: another number, another goal. */
  version = 0;
  isClosed = false;
  goal: FlowGoal = { revision: 0, isPaused: false, pauses: {}, restarts: {}, rewinds: [] };
  applied = nothingApplied;
  memo: FlowMemo;
  readonly book: FlowBook;
  private hasTrouble = false;
  private isObserved = false;
  private scope: CancellationScope | undefined;
  private readonly steps: FlowSteps;

  constructor(private readonly input: FlowInput) {
    const { flow, begin } = input;
    const { runId, startTime } = workflowInfo();
    const at = startTime.toISOString();
    if (begin.kind === 'continue') {
      ({ goal: this.goal, applied: this.applied, memo: this.memo } = begin.state);
      this.book = new FlowBook(begin.state.record, activities, true);
    } else {
      const { revisions = [], epochs = {} } = begin.record ?? {};
      this.book = new FlowBook({ ...flow, revisions, epochs, runId, startTime: at }, activities, false);
      this.memo = {
        phase: begin.kind === 'end' ? 'Stopping' : 'Running',
        since: at,
        startTime: at,
        runId,
        revision: 0,
        digest: '',
        mode: begin.kind === 'submit' ? begin.mode : 'stream',
        isSettled: false,
        pauses: {},
        ended: [],
      };
      this.begin(begin);
    }
    this.tell(this.wanted);
    const within = (ms: number) =>
      proxyActivities<FlowActivities>({
        ...options,
        scheduleToCloseTimeout: ms,
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      });
    this.steps = new FlowSteps(this, { activities, waits, within }, input);
  }

  /** Takes a request that was not refused; resolves when the record tells of it. */
  async take(request: FlowRequest): Promise<FlowMemo> {
    if (request.kind === 'update') this.book.revise(request);
    if (request.kind === 'restart') {
      this.applied = { ...this.applied, pins: without(this.applied.pins, request.functions) };
    }
    const goal = acceptRequest(this.goal, request, this.book.lastRevision?.number ?? 0);
    this.book.note(auditOf(request));
    // what is asked for again neither begins again nor delays what is under way
    if (this.hasTrouble || JSON.stringify(goal) !== JSON.stringify(this.goal)) this.want(goal);
    await this.save();
    return this.memo;
  }

  private want(goal: FlowGoal): void {
    this.goal = goal;
    this.tell({ pauses: goal.pauses, isSettled: false, reason: undefined, ...this.wanted });
    this.announce();
    this.version++;
    this.scope?.cancel();
  }

  /** Something of the flow has ended in the cluster: it is looked at when nothing else is under way. */
  observe(): void {
    this.isObserved = true;
    if (this.steps.isProving) this.scope?.cancel();
  }

  /** Whether there is something to do: another goal than that of the version, or something that was observed. */
  isCalled(version: number): boolean {
    return this.version !== version || this.isObserved;
  }

  get limits(): FlowInput['limits'] {
    return this.input.limits;
  }

  get retryAfterMs(): number | undefined {
    return this.hasTrouble ? retryMs : undefined;
  }

  /** Brings what is there to what is wanted, as far as it gets before something else is wanted. */
  async reach(): Promise<void> {
    this.isObserved = false;
    await this.attempt(async () => {
      if (this.goal.ending !== undefined) return this.steps.end(this.goal.ending);
      if (!this.applied.isPrepared) await this.steps.prepare();
      if (this.goal.isPaused) await this.steps.pause();
      else await this.steps.run();
      if (this.memo.mode === 'batch' && !this.goal.isPaused) await this.steps.judge();
    });
    await this.save();
  }

  /** Ends what runs and closes with everything kept. */
  async leave(status: ClosedStatus, reason: string): Promise<void> {
    if (this.isClosed) return;
    const { ending } = this.goal;
    if (ending === 'delete' || ending === 'force') return this.steps.end(ending); // that was promised
    try {
      await activities.removeWorkloads(this.input.flow, {});
    } catch (error) {
      // where nothing may be removed, nothing was made
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    }
    await this.close(status, reason);
  }

  /** The record and the events tell how it ended before the workflow does. */
  async close(status: ClosedStatus, reason?: string): Promise<void> {
    this.isClosed = true; // no request is taken from here on
    const closeTime = new Date().toISOString();
    const why = reason === undefined ? {} : { reason };
    this.book.note({ kind: 'phase', what: status, at: closeTime, message: reason });
    const { rewinds } = this.goal;
    const left = rewinds.length === 0 ? {} : { rewinds };
    this.book.record = { ...this.book.record, ...left, closed: { status, closeTime, ...why } };
    await this.save();
    this.tell({ phase: status, since: closeTime, reason });
  }

  /** The flow's data is gone. */
  forget(): void {
    this.book.forget();
    this.goal = { ...this.goal, rewinds: [] };
    this.tell(this.wanted);
  }

  /** Has Temporal end this workflow. */
  async endAs(status: 'Canceled' | 'Terminated', reason: string): Promise<void> {
    const close = { status, reason, runId: workflowInfo().runId };
    await CancellationScope.nonCancellable(() => activities.closeAs(this.input.flow, close));
  }

  enter(phase: FlowMemo['phase'], reason?: string): void {
    if (this.memo.phase !== phase) this.book.note({ kind: 'phase', what: phase, message: reason });
    if (this.memo.phase === phase && reason === undefined) return;
    const since = this.memo.phase === phase ? this.memo.since : new Date().toISOString();
    this.tell({ phase, since, reason });
  }

  /** Has the memo say it, in the same step. */
  tell(change: Partial<FlowMemo>): void {
    this.memo = { ...this.memo, ...change };
    upsertMemo({ [memoKey]: this.memo });
  }

  /** Has the book kept as it is now. */
  save(): Promise<void> {
    return this.book.save([this.applied.revision, this.applied.previous, this.goal.revision]);
  }

  /** Number and digest of the revision that is wanted. */
  get wanted(): Pick<FlowMemo, 'revision' | 'digest'> {
    const { revision } = this.goal;
    return { revision, digest: this.book.revision(revision)?.digest ?? '' };
  }

  carried(): FlowInput {
    const { book, goal, applied, memo } = this;
    const state = { record: book.record, goal, applied, memo };
    return { ...this.input, begin: { kind: 'continue', state } };
  }

  /** Takes up what an earlier life of the flow has left, and this life's document. */
  private begin(begin: Exclude<FlowInput['begin'], { readonly kind: 'continue' }>): void {
    const { by, at, comment } = begin;
    const what = begin.kind === 'submit' ? 'submit' : begin.ending === 'stop' ? 'stop' : 'delete';
    this.book.note({ kind: 'audit', what, by, at, comment });
    if (begin.kind === 'submit') this.book.revise({ ...begin, cause: 'submit' });
    else this.goal = { ...this.goal, ending: begin.ending };
    this.goal = {
      ...this.goal,
      revision: this.book.lastRevision?.number ?? 0,
      rewinds: begin.record?.rewinds ?? [],
    };
  }

  /** Runs steps until they are done, are given up for another goal, or are refused by something outside. */
  private async attempt(steps: () => Promise<void>): Promise<void> {
    const { version, hasTrouble } = this;
    this.hasTrouble = false;
    const scope = new CancellationScope();
    this.scope = scope;
    try {
      await scope.run(steps);
      if (hasTrouble) this.tell({ reason: undefined });
    } catch (error) {
      if (isCancellation(error) && this.isCalled(version)) return;
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      // something else is wanted, and a try that was cut off, as by the end of its worker, is not made again
      if (this.version !== version) return;
      const reason = failureText(error);
      if (this.goal.ending === undefined && this.applied.revision === 0) {
        await this.leave('Failed', reason);
        return;
      }
      if (this.memo.reason !== reason) this.book.note({ kind: 'notice', what: 'refused', message: reason });
      this.tell({ reason });
      const mayGoBack = this.goal.ending === undefined && !this.goal.isPaused;
      this.hasTrouble = !(mayGoBack && this.steps.goBack(reason));
    } finally {
      this.scope = undefined;
    }
  }

  /** The status tells of a request as soon as it is taken. */
  private announce(): void {
    const { phase } = this.memo;
    if (this.goal.ending !== undefined) this.enter('Stopping');
    else if (this.goal.isPaused && phase === 'Running') this.enter('Pausing');
    else if (!this.goal.isPaused && phase !== 'Running') this.enter('Running');
  }
}
