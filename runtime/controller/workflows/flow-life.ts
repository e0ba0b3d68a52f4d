import {
  ActivityCancellationType,
  ActivityFailure,
  type ActivityOptions,
  CancellationScope,
  isCancellation,
  proxyActivities,
  upsertMemo,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { FlowKey } from '../ports/flow-key';
import {
  type AppliedFlow,
  type FlowGoal,
  type FlowInput,
  type FlowMemo,
  type FlowRequest,
  memoKey,
} from '../ports/flow-request';
import type { ClosedStatus, FlowEvent, FlowRecord } from '../ports/flow-store';
import { acceptRequest, withRevision } from './accept-request';
import type { FlowActivities } from './flow-activities';
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

const nothingApplied: AppliedFlow = { revision: 0, ended: [], hashes: {}, pins: {} };
/** What was refused by something outside is tried again after this long, unless something else is wanted first. */
const retryMs = 10_000;

type Noted = Omit<FlowEvent, keyof FlowKey | 'id' | 'at'> & { readonly at?: string };

/** A flow's state in its workflow: what is wanted, what is there, and what is told of it. */
export class FlowLife {
  /** Counts requests: another number, another goal. */
  version = 0;
  isClosed = false;
  /** It knows what an earlier life has left, and takes requests. */
  hasBegun = false;
  goal: FlowGoal = { revision: 0, isPaused: false, pauses: {}, restarts: {}, rewinds: [] };
  applied = nothingApplied;
  memo: FlowMemo;
  record: FlowRecord;
  private savedRecord: FlowRecord | undefined;
  private saving: Promise<void> = Promise.resolve();
  private hasTrouble = false;
  private events: FlowEvent[] = [];
  private scope: CancellationScope | undefined;
  private readonly steps: FlowSteps;

  constructor(private readonly input: FlowInput) {
    const { flow, begin } = input;
    const { runId, startTime } = workflowInfo();
    const at = startTime.toISOString();
    this.record = { ...flow, revisions: [], epochs: {}, runId, startTime: at };
    this.memo = {
      phase: begin.kind === 'remove' ? 'Stopping' : 'Running',
      since: at,
      startTime: at,
      runId,
      revision: 0,
      digest: begin.kind === 'submit' ? begin.digest : '',
      mode: begin.kind === 'submit' ? begin.mode : 'stream',
      isSettled: false,
      pauses: {},
    };
    if (begin.kind === 'continue') {
      ({ record: this.record, goal: this.goal, applied: this.applied, memo: this.memo } = begin.state);
      this.savedRecord = this.record;
    }
    this.steps = new FlowSteps(this, activities, waits, input);
  }

  /** Takes up what an earlier life of the flow has left, and this life's document. */
  async begin(): Promise<void> {
    const { begin, flow } = this.input;
    if (begin.kind === 'continue') {
      this.hasBegun = true;
      return this.tell({});
    }
    const left = await this.act(() => activities.loadRecord(flow));
    const { runId, startTime } = this.memo;
    const { closed: _closed, ...kept } = left ?? this.record;
    this.record = { ...kept, runId, startTime };
    const { by, at, comment } = begin;
    const what = begin.kind === 'submit' ? 'submit' : 'delete';
    // requests may have been taken meanwhile; this one came before them
    this.events.unshift(this.eventOf({ kind: 'audit', what, by, at, comment }));
    if (begin.kind === 'remove') {
      this.goal = { ...this.goal, ending: begin.force ? 'force' : 'delete' };
    } else {
      this.revise({ ...begin, cause: 'submit' });
    }
    this.goal = { ...this.goal, revision: this.lastRevision?.number ?? 0 };
    this.tell(this.wanted);
    this.hasBegun = true;
    await this.save();
    if (begin.kind === 'submit') await this.attempt(() => this.steps.prepare());
  }

  /** Takes a request that was not refused; resolves when the record tells of it. */
  async take(request: FlowRequest): Promise<FlowMemo> {
    const { by, at, comment } = request;
    if (request.kind === 'update') this.revise(request);
    if (request.kind === 'restart') this.unpin(request.functions);
    this.goal = acceptRequest(this.goal, request, this.lastRevision?.number ?? 0);
    this.note({ kind: 'audit', what: request.kind, by, at, comment, message: subjectOf(request) });
    this.tell({ pauses: this.goal.pauses, isSettled: false, reason: undefined, ...this.wanted });
    this.announce();
    this.version++;
    this.scope?.cancel();
    await this.save();
    return this.memo;
  }

  /** Something of the flow has ended in the cluster. */
  observe(): void {
    this.version++;
    this.scope?.cancel();
  }

  get retryAfterMs(): number | undefined {
    return this.hasTrouble ? retryMs : undefined;
  }

  /** Brings what is there to what is wanted, as far as it gets before something else is wanted. */
  async reach(): Promise<void> {
    await this.attempt(async () => {
      if (this.goal.ending !== undefined) return this.steps.end(this.goal.ending);
      if (this.goal.isPaused) await this.steps.pause();
      else await this.steps.run();
      if (this.memo.mode === 'batch' && !this.goal.isPaused) await this.steps.judge();
    });
    await this.save();
  }

  /** Has everything kept that was noted. */
  async settle(): Promise<void> {
    await this.save();
    await this.flush();
  }

  /** Ends what runs and closes with everything kept. */
  async leave(status: ClosedStatus, reason: string): Promise<void> {
    if (this.isClosed) return;
    await activities.removeWorkloads(this.input.flow, {});
    await this.close(status, reason);
  }

  /** The record and the events tell how it ended before the workflow does. */
  async close(status: ClosedStatus, reason?: string): Promise<void> {
    const closeTime = new Date().toISOString();
    const why = reason === undefined ? {} : { reason };
    this.note({ kind: 'phase', what: status, at: closeTime, message: reason });
    this.record = { ...this.record, closed: { status, closeTime, ...why } };
    await this.settle();
    this.tell({ phase: status, since: closeTime, reason });
    this.isClosed = true;
  }

  /** Has Temporal end this workflow. */
  async endAs(status: 'Canceled' | 'Terminated', reason: string): Promise<void> {
    await this.act(() => activities.closeAs(this.input.flow, status, reason));
  }

  enter(phase: FlowMemo['phase'], reason?: string): void {
    if (this.memo.phase !== phase) this.note({ kind: 'phase', what: phase, message: reason });
    if (this.memo.phase === phase && reason === undefined) return;
    const since = this.memo.phase === phase ? this.memo.since : new Date().toISOString();
    this.tell({ phase, since, reason });
  }

  /** Has the memo say it, in the same step. */
  tell(change: Partial<FlowMemo>): void {
    this.memo = { ...this.memo, ...change };
    upsertMemo({ [memoKey]: this.memo });
  }

  note(event: Noted): void {
    this.events.push(this.eventOf(event));
  }

  /** Has the record kept as it is now; one after the other, so that the last one stays. */
  save(): Promise<void> {
    this.saving = this.saving.then(async () => {
      const { record } = this;
      if (record === this.savedRecord) return;
      await this.act(() => activities.saveRecord(record));
      this.savedRecord = record;
    });
    return this.saving;
  }

  /** Number and digest of the revision that is wanted. */
  get wanted(): Pick<FlowMemo, 'revision' | 'digest'> {
    const { revision } = this.goal;
    return { revision, digest: this.record.revisions.find(({ number }) => number === revision)?.digest ?? '' };
  }

  get lastRevision(): FlowRecord['revisions'][number] | undefined {
    return this.record.revisions.at(-1);
  }

  /** What is kept of the flow is kept, whatever is wanted meanwhile. */
  act<T>(action: () => Promise<T>): Promise<T> {
    return CancellationScope.nonCancellable(action);
  }

  carried(): FlowInput {
    const { record, goal, applied, memo } = this;
    return { ...this.input, begin: { kind: 'continue', state: { record, goal, applied, memo } } };
  }

  revise(change: {
    readonly digest: string;
    readonly cause: FlowRecord['revisions'][number]['cause'];
    readonly by: string;
    readonly at: string;
    readonly comment?: string;
  }): void {
    const { digest, cause, by, at, comment } = change;
    this.record = withRevision(this.record, { digest, cause, by, at, ...(comment === undefined ? {} : { comment }) });
  }

  private unpin(functions: readonly string[]): void {
    const pins = Object.fromEntries(Object.entries(this.applied.pins).filter(([id]) => !functions.includes(id)));
    this.applied = { ...this.applied, pins };
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
      const isSuperseded = isCancellation(error) && this.version !== version;
      if (isSuperseded) return;
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      const reason = reasonOf(error);
      if (this.goal.ending === undefined && this.applied.revision === 0) {
        await this.leave('Failed', reason);
        return;
      }
      if (this.memo.reason !== reason) this.note({ kind: 'notice', what: 'refused', message: reason });
      this.tell({ reason });
      this.hasTrouble = !this.steps.goBack(reason);
    } finally {
      this.scope = undefined;
    }
  }

  private eventOf(event: Noted): FlowEvent {
    return { ...this.input.flow, id: uuid4(), ...event, at: event.at ?? new Date().toISOString() };
  }

  /** The status tells of a request as soon as it is taken. */
  private announce(): void {
    const { phase } = this.memo;
    if (this.goal.ending !== undefined) this.enter('Stopping');
    else if (this.goal.isPaused && phase === 'Running') this.enter('Pausing');
    else if (!this.goal.isPaused && phase !== 'Running') this.enter('Running');
  }

  private async flush(): Promise<void> {
    while (this.events.length > 0) {
      const events = this.events.splice(0);
      await this.act(() => activities.addEvents(events));
    }
  }
}

/** What the event of a request says beside its kind. */
function subjectOf(request: FlowRequest): string | undefined {
  switch (request.kind) {
    case 'pause':
    case 'resume':
    case 'restart':
      return request.functions.join(', ') || undefined;
    case 'replay':
      return request.rewinds.map(({ function: id, start }) => `${id} from ${JSON.stringify(start)}`).join(', ');
    case 'update':
      return request.cause;
    case 'delete':
      return request.force ? 'force' : undefined;
    case 'stop':
      return undefined;
  }
}

/** An activity's failure in the words of what failed. */
function reasonOf(error: unknown): string {
  let reason = error as Error;
  while (reason.cause instanceof Error) reason = reason.cause;
  return reason.message;
}
