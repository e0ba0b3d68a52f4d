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

const nothingApplied: AppliedFlow = { isPrepared: false, revision: 0, ended: [], hashes: {}, pins: {} };
/** What was refused by something outside is tried again after this long, unless something else is wanted first. */
const retryMs = 10_000;

type Noted = Omit<FlowEvent, keyof FlowKey | 'id' | 'at'> & { readonly at?: string };

/** A flow's state in its workflow: what is wanted, what is there, and what is told of it. */
export class FlowLife {
  /** Counts requests: another number, another goal. */
  version = 0;
  isClosed = false;
  goal: FlowGoal = { revision: 0, isPaused: false, pauses: {}, restarts: {}, rewinds: [] };
  applied = nothingApplied;
  memo: FlowMemo;
  record: FlowRecord;
  private savedRecord: FlowRecord | undefined;
  private saving: Promise<void> = Promise.resolve();
  private hasTrouble = false;
  private isObserved = false;
  private events: FlowEvent[] = [];
  private scope: CancellationScope | undefined;
  private readonly steps: FlowSteps;

  constructor(private readonly input: FlowInput) {
    const { flow, begin } = input;
    const { runId, startTime } = workflowInfo();
    const at = startTime.toISOString();
    if (begin.kind === 'continue') {
      ({ record: this.record, goal: this.goal, applied: this.applied, memo: this.memo } = begin.state);
      this.savedRecord = this.record;
    } else {
      const { revisions = [], epochs = {} } = begin.record ?? {};
      this.record = { ...flow, revisions, epochs, runId, startTime: at };
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
    this.steps = new FlowSteps(this, activities, waits, input);
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
    await activities.removeWorkloads(this.input.flow, {});
    await this.close(status, reason);
  }

  /** The record and the events tell how it ended before the workflow does. */
  async close(status: ClosedStatus, reason?: string): Promise<void> {
    this.isClosed = true; // no request is taken from here on
    const closeTime = new Date().toISOString();
    const why = reason === undefined ? {} : { reason };
    this.note({ kind: 'phase', what: status, at: closeTime, message: reason });
    this.record = { ...this.record, closed: { status, closeTime, ...why } };
    await this.save();
    this.tell({ phase: status, since: closeTime, reason });
  }

  /** The flow's data is gone. */
  forget(): void {
    this.record = { ...this.record, revisions: [], epochs: {} };
    this.tell(this.wanted);
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

  /** Has the record kept as it is now, and the events; one after the other, so that the last one stays. */
  save(): Promise<void> {
    this.saving = this.saving.then(async () => {
      const { record } = this;
      const events = this.events.splice(0);
      if (record === this.savedRecord && events.length === 0) return;
      await this.act(() => activities.keep(record === this.savedRecord ? undefined : record, events));
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

  /** Takes up what an earlier life of the flow has left, and this life's document. */
  private begin(begin: Exclude<FlowInput['begin'], { readonly kind: 'continue' }>): void {
    const { by, at, comment } = begin;
    const what = begin.kind === 'submit' ? 'submit' : begin.ending === 'stop' ? 'stop' : 'delete';
    this.note({ kind: 'audit', what, by, at, comment });
    if (begin.kind === 'submit') this.revise({ ...begin, cause: 'submit' });
    else this.goal = { ...this.goal, ending: begin.ending };
    this.goal = { ...this.goal, revision: this.lastRevision?.number ?? 0 };
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
      const isSuperseded = isCancellation(error) && this.isCalled(version);
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
