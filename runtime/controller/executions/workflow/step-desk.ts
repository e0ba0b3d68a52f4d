import { markedClaim } from '../../../../lib/tasks/advance/claims';
import type { Advance, Look } from '../../../../lib/tasks/advance/execution-state';
import { filledIn } from '../../../../lib/tasks/advance/started-step';
import type { StepId } from '../../../../lib/tasks/advance/step-id';
import { isStepNode } from '../../../../lib/tasks/graph/task-graph';
import { TaskErrorCode } from '../../../api-contract/task-error-code';
import type { TaskError } from '../../../api-contract/task-message';
import type {
  AttemptAnswer,
  ExecutionCommand,
  FollowingLimits,
  StepNote,
  StepReport,
} from '../ports/execution-workflow';
import type { StepRef } from '../ports/step-ref';
import { decisionOf, endBy, type Refusal, refusalOfDecision, refusalOfEnd } from './approvals';
import type { AdmissionResult, CallResult, OrderResult, WaitResult } from './execution-activities';
import type { ExecutionRuntime } from './execution-runtime';
import { beforeIt, continuedBy, followingSteps, isOf, messageOf } from './following-steps';
import { retryDelayMs } from './retry-delay';
import type { RunRecord } from './run-record';
import {
  deadlineOf,
  isCall,
  isWanted,
  isWorkerStep,
  type RunningStep,
  type StepDeadline,
  type StepEnd,
  stepError,
  type WorkerStep,
} from './running-step';
import { delayMs, isWaitStep, type OrderAnswers, StepOrders } from './step-orders';

/** Failures of a step that are remembered. */
const maxFailures = 10;

/**
 * The steps of an execution that have started and not ended: orders their tasks, takes reports, retries, and ends what is late.
 *
 * D1. A report of an attempt that is not the current one, or has ended, changes nothing.
 * D2. Every started step ends by a report, by a deadline, or by a stop of the execution.
 * D3. An attempt that has ended, however, gives back its place below a concurrency limit.
 * D4. A report may come before its attempt begins: a controller that was killed has sent the task, and what it knew is done
 *     again; or a worker has gone on with the step. It is kept until then.
 * D5. A worker that goes on with a step has begun the attempt with which the step starts here. When it does not start, or
 *     another worker has got the message, the worker's run of it does not count.
 */
export class StepDesk implements OrderAnswers {
  private readonly running = new Map<StepId, RunningStep>();
  private readonly orders: StepOrders;
  /** What a worker has begun already: taken when it starts here. */
  private continued: { readonly id: StepId; readonly note: Partial<StepNote> } | undefined;

  constructor(
    private readonly record: RunRecord,
    private readonly runtime: ExecutionRuntime,
    private readonly options: {
      readonly following: FollowingLimits;
      readonly maxCalls: number | undefined;
      /** Queues a report. */
      readonly receive: (report: StepReport) => void;
    },
  ) {
    this.orders = new StepOrders(record, runtime, this, options.maxCalls);
  }

  /** Takes up the steps that an earlier run of the workflow has started. */
  takeUp(): void {
    const { execution, notes } = this.record;
    for (const id of execution.running()) {
      const step = execution.steps.get(id);
      const note = notes.get(id);
      if (step === undefined || note === undefined || !isStepNode(step.node)) continue;
      const { node, input } = step;
      const filled = execution.looks.get(id)?.filled ?? filledIn(node, input);
      const taken: RunningStep = { started: { id, index: node.index, input, ...filled }, node, note };
      this.running.set(id, taken);
      if (note.isCallDue === true) this.orders.calls.make(taken);
    }
  }

  /** Begins the steps that the execution has started, and ends those that it has stopped. */
  apply({ started, stopped, unseen = [] }: Advance): void {
    for (const each of unseen) this.orders.look(each);
    for (const id of stopped) this.drop(id);
    for (const step of started) {
      const node = this.record.execution.reader.node(step.index);
      if (!isStepNode(node)) continue;
      const running: RunningStep = { started: step, node, note: { startedMs: this.runtime.now(), attempt: 0 } };
      this.running.set(step.id, running);
      this.note(running, {});
      this.begin(running);
    }
  }

  /** Does what the steps need from outside. */
  async flush(): Promise<void> {
    this.endHeld();
    await this.orders.flush();
  }

  /** Whether the workflow may continue in a new run; if not, it soon may. */
  isRenewable(): boolean {
    if (!this.orders.calls.areWaitedFor) return true;
    this.orders.calls.hold();
    return false;
  }

  report(report: StepReport): void {
    if (report.run !== this.record.wireRun) return; // D1
    const step = this.running.get(report.step);
    if (this.isAhead(report))
      this.record.keepEarly(report); // D4
    else if (step !== undefined && isOf(step.note, report)) this.take(step, report);
    else this.takeBack(report);
  }

  private take(step: RunningStep, report: StepReport): void {
    const { id } = step.started;
    const { kind, output } = report;
    if (!isWorkerStep(step)) {
      const error = report.error ?? { code: 'function-failed', message: 'the step failed' };
      this.orders.hasBegun(step);
      if (kind === 'failed') this.end(step, { kind, id, error: stepError(error) });
      else if (kind === 'succeeded')
        this.end(step, { kind, id, output: output === undefined ? step.started.input : output });
      return;
    }
    if (step.note.dueMs !== undefined) return; // D1: it waits for its next attempt
    const { worker = step.note.worker } = report;
    const known = worker === undefined ? {} : { worker };
    if (kind === 'place') this.takePlace(step);
    else if (kind === 'receipt') {
      if (step.note.takenMs === undefined) this.note(step, { takenMs: this.runtime.now(), ...known });
    } else {
      this.note(step, known);
      if (step.note.isReturned === true && report.head !== undefined) this.orders.withdraw(step);
      if (kind === 'succeeded') this.succeed(step, { ...report, output: this.claimed(output) });
      else this.failAttempt(step, report.error ?? { code: 'function-failed', message: 'the task failed' });
    }
  }

  isWaitingFor(ref: Omit<StepRef, 'execution'>, worker?: string): AttemptAnswer {
    if (ref.run !== this.record.wireRun) return false;
    const step = this.running.get(ref.step);
    if (step !== undefined && isOf(step.note, { ...ref, kind: 'succeeded' })) return isWanted(step);
    if (this.isAhead(ref)) {
      const before = beforeIt(this.running.values(), ref);
      return ref.head === undefined || (before !== undefined && isWanted(before));
    }
    const next = continuedBy(this.running.values(), ref);
    return next !== undefined && (worker === undefined || worker !== next.note.worker) ? 'continued' : false;
  }

  /** Whether the attempt is one of this run that has not begun. */
  private isAhead({ step, run, attempt }: Pick<StepReport, 'step' | 'run' | 'attempt'>): boolean {
    const { execution, wireRun } = this.record;
    if (run !== wireRun || execution.outcome !== undefined) return false;
    const running = this.running.get(step);
    return running === undefined ? !execution.steps.has(step) : attempt > running.note.attempt;
  }

  refusalOf(command: ExecutionCommand): Refusal | undefined {
    const { execution } = this.record;
    if (command.kind === 'save') return undefined;
    if (execution.outcome !== undefined) return { code: 'state-invalid', message: 'the execution has ended' };
    if (command.kind === 'decide') return refusalOfDecision([...this.running.values()], command);
    if (command.kind === 'end') return refusalOfEnd(this.running.get(command.step), command);
    return undefined;
  }

  command(command: ExecutionCommand, graceMs: number): void {
    const { execution } = this.record;
    if (execution.outcome !== undefined || command.kind === 'save') return;
    const { by, comment } = command;
    const entry = { atMs: this.runtime.now(), by, ...(comment === undefined ? {} : { comment }) };
    if (command.kind === 'decide') {
      const decided = decisionOf([...this.running.values()], command);
      if (decided === undefined) return;
      this.record.add({ ...entry, what: 'decided', step: decided.step.started.id });
      this.end(decided.step, {
        kind: 'succeeded',
        id: decided.step.started.id,
        output: { ...decided.output, at: new Date(entry.atMs).toISOString() },
      });
      return;
    }
    if (command.kind === 'end') {
      const step = this.running.get(command.step);
      if (step === undefined) return;
      this.record.add({ ...entry, what: 'ended', step: command.step });
      this.orders.withdraw(step);
      this.end(step, endBy(command, step));
      return;
    }
    if (command.kind === 'terminate') {
      this.record.add({ ...entry, what: 'canceling' });
      this.record.terminate();
      this.apply(execution.advance({ kind: 'cancel', force: true }));
      return;
    }
    if (execution.ending?.status !== 'canceled') this.record.add({ ...entry, what: 'canceling' });
    this.apply(execution.advance({ kind: 'cancel' }));
    this.stopRunning(command.graceMs ?? graceMs);
  }

  isDue(): boolean {
    const ms = this.msUntilDue();
    return ms !== undefined && ms <= 0;
  }

  msUntilDue(): number | undefined {
    let first: number | undefined;
    for (const step of this.running.values()) {
      const at = deadlineOf(step)?.atMs;
      if (at !== undefined && (first === undefined || at < first)) first = at;
    }
    return first === undefined ? undefined : first - this.runtime.now();
  }

  /** D2. */
  takeDue(): void {
    const nowMs = this.runtime.now();
    for (const step of [...this.running.values()]) {
      const deadline = deadlineOf(step);
      if (deadline === undefined || deadline.atMs > nowMs || !this.running.has(step.started.id)) continue;
      this.takeDeadline(step, deadline.kind);
    }
  }

  // answers to orders

  find(id: StepId): RunningStep | undefined {
    return this.running.get(id);
  }

  /** R1 of the run: a call ends between two activations of the loop. */
  called(ref: StepRef, result: CallResult): void {
    if (result.kind === 'waits') return; // somebody else reports the end of the attempt
    this.options.receive({ ...ref, at: '', worker: 'controller', ...reportOf(result) });
  }

  sent(step: WorkerStep, result: OrderResult): void {
    if ('code' in result) this.failAttempt(step, { ...result, isTerminal: true });
    else {
      const place = 'sequence' in result ? { sequence: result.sequence } : {};
      this.note(step, { sentMs: this.runtime.now(), ...place });
    }
  }

  withdrawn(step: RunningStep): void {
    this.end(step, { kind: 'canceled', id: step.started.id });
  }

  begun(step: RunningStep, result: WaitResult): void {
    const { id, input } = step.started;
    if (result.kind === 'waits') return;
    if (result.kind === 'ended') {
      this.end(step, { kind: 'succeeded', id, output: result.output === undefined ? input : result.output });
      return;
    }
    const { code, message } = result;
    this.end(step, { kind: 'failed', id, error: { code, message } });
  }

  admitted(step: WorkerStep, result: AdmissionResult): void {
    switch (result.kind) {
      case 'admitted':
        this.dispatch(step);
        return;
      case 'known':
        this.end(step, { kind: 'succeeded', id: step.started.id, output: result.output });
        return;
      case 'later':
        this.note(step, { dueMs: result.atMs, isPaced: true });
        return;
      case 'waits':
        this.note(step, { isQueued: true });
    }
  }

  beaten(step: WorkerStep, atMs: number | null): void {
    const { heartbeatMs = Number.POSITIVE_INFINITY } = step.node.policy.timeout;
    const { takenMs = 0, beatMs = takenMs } = step.note;
    const lastMs = Math.max(beatMs, atMs ?? 0);
    if (lastMs + heartbeatMs > this.runtime.now()) {
      this.note(step, { beatMs: lastMs });
      return;
    }
    this.orders.withdraw(step);
    this.failAttempt(step, { code: 'heartbeat-timeout', message: `no heartbeat for ${heartbeatMs} ms` });
  }

  seen(id: StepId, look: Look): void {
    this.apply(this.record.execution.advance({ kind: 'seen', id, look }));
  }

  // beginning

  private begin(step: RunningStep): void {
    const { node, started } = step;
    const nowMs = this.runtime.now();
    if (isWorkerStep(step)) this.beginAttempt(step);
    else if (node.kind === 'approval') {
      if (node.deadline !== undefined) this.note(step, { dueMs: nowMs + node.deadline.afterMs });
    } else if (isWaitStep(step)) {
      this.orders.beginWait(step);
      this.recall(step);
    } else if (isCall(step)) this.orders.calls.make(step);
    else {
      const ms = node.kind === 'task' && node.base === 'wait:delay' ? delayMs(started.parameters) : undefined;
      if (ms !== undefined) this.note(step, { dueMs: nowMs + ms });
      else this.end(step, { kind: 'failed', id: started.id, error: refusalOfStep(step) });
    }
  }

  private beginAttempt(step: WorkerStep): void {
    const { startedMs, attempt, failures } = step.note;
    step.note = { startedMs, attempt: attempt + 1, ...(failures === undefined ? {} : { failures }) };
    this.note(step, {});
    if (this.continued?.id === step.started.id) {
      const nowMs = this.runtime.now();
      this.note(step, { ...this.continued.note, sentMs: nowMs, takenMs: nowMs });
      this.continued = undefined;
      this.recall(step);
      return;
    }
    const { concurrency, rate, memoize } = step.node.policy;
    if (concurrency ?? rate ?? memoize) this.orders.admit(step);
    else this.dispatch(step);
    this.recall(step);
  }

  /** D4. */
  private recall({ started, note }: RunningStep): void {
    for (const report of this.record.takeEarly(started.id, note.attempt)) this.options.receive(report);
  }

  private dispatch(step: WorkerStep): void {
    if (isCall(step)) {
      this.orders.calls.make(step);
      return;
    }
    const next = followingSteps(this.record.execution, step, this.options.following);
    if (next.length > 0) this.note(step, { next });
    this.orders.send(step);
  }

  private takePlace(step: WorkerStep): void {
    if (step.note.isQueued !== true) return;
    const { isQueued: _, ...note } = step.note;
    step.note = note;
    this.note(step, {});
    this.dispatch(step);
  }

  // steps that follow in a message

  /** D5. */
  private succeed(step: WorkerStep, { output, continues, head: reported }: StepReport): void {
    const { id } = step.started;
    const { next: [next, ...rest] = [], worker, sequence } = step.note;
    const isLate = step.note.isReturned === true && reported !== undefined;
    if (continues === true && next !== undefined && !isLate) {
      this.continued = { id: next, note: { head: messageOf(step), next: rest, worker, sequence } };
    }
    this.end(step, { kind: 'succeeded', id, output });
    if (this.continued !== undefined && next !== undefined) this.orders.endBefore(step, next);
    this.continued = undefined;
  }

  /** A report of an attempt that has ended: when a worker has gone on from its message, another one has that now. */
  private takeBack(report: StepReport): void {
    const { kind, continues } = report;
    const step = continues === true || kind === 'receipt' ? undefined : continuedBy(this.running.values(), report);
    if (step === undefined || step.note.giveUpMs !== undefined || !isWorkerStep(step)) return;
    const { startedMs, attempt, failures, head } = step.note;
    step.note = { startedMs, attempt, ...(failures === undefined ? {} : { failures }), head, isReturned: true };
    this.note(step, {});
    this.dispatch(step);
  }

  /** What would follow in a region that has failed does not begin. */
  private endHeld(): void {
    for (const step of this.running.values()) {
      const [next] = step.note.next ?? [];
      if (next === undefined || !isWorkerStep(step) || !this.isHeld(step)) continue;
      this.orders.endBefore(step, next);
      this.note(step, { next: [] });
    }
  }

  private isHeld({ started, node }: RunningStep): boolean {
    const { execution } = this.record;
    return execution.regionOf(node, execution.steps.get(started.id)?.items ?? [])?.isHeld ?? false;
  }

  // ending

  private takeDeadline(step: RunningStep, kind: StepDeadline['kind']): void {
    const { id } = step.started;
    const limits = step.node.kind === 'task' ? step.node.policy.timeout : {};
    switch (kind) {
      case 'due':
        this.takeTime(step);
        return;
      case 'give-up':
        this.orders.withdraw(step);
        this.end(step, { kind: 'canceled', id });
        return;
      case 'heartbeat':
        this.orders.checkHeartbeat(step);
        return;
      case 'start':
        this.timeOut(step, { code: 'start-timeout', message: `no worker took the task within ${limits.startMs} ms` });
        return;
      case 'run':
        this.timeOut(step, { code: TaskErrorCode.TimedOut, message: `the task ran for over ${limits.runMs} ms` });
        return;
      case 'total': {
        const message = `the step did not end within ${limits.totalMs} ms, with all attempts`;
        this.timeOut(step, { code: 'total-timeout', message, isTerminal: true });
      }
    }
  }

  /** The next attempt, the time that a rate has given, or the end of a wait. */
  private takeTime(step: RunningStep): void {
    if (!isWorkerStep(step)) this.end(step, endOfWait(step));
    else if (step.note.isPaced === true) {
      const { dueMs: _, ...note } = step.note;
      step.note = note;
      this.note(step, {});
      this.orders.admit(step);
    } else this.beginAttempt(step);
  }

  private timeOut(step: RunningStep, error: TaskError): void {
    this.orders.withdraw(step);
    this.failAttempt(step, error);
  }

  private failAttempt(step: RunningStep, error: TaskError): void {
    const { note, node, started } = step;
    const { attempt, worker, startedMs, failures = [] } = note;
    const failure = { ...error, attempt, atMs: this.runtime.now(), ...(worker === undefined ? {} : { worker }) };
    if (isWorkerStep(step)) this.orders.leave(step); // D3
    step.note = { startedMs, attempt, failures: [...failures, failure].slice(-maxFailures) };
    const isStopping = note.giveUpMs !== undefined || this.isHeld(step);
    const random = () => this.runtime.random();
    const delay =
      node.kind === 'task' && !isStopping ? retryDelayMs(node.policy.retry, error, { attempt, random }) : undefined;
    if (delay !== undefined) {
      this.note(step, { dueMs: this.runtime.now() + delay });
      return;
    }
    const { id } = started;
    if (error.code === TaskErrorCode.Canceled && isStopping) this.end(step, { kind: 'canceled', id });
    else this.end(step, { kind: 'failed', id, error: { ...stepError(error), attempts: attempt } });
  }

  /** Ends a step, and begins what the execution starts then. */
  private end(step: RunningStep, event: StepEnd): void {
    this.close(step, event.kind === 'succeeded' ? { value: event.output } : undefined);
    this.apply(this.record.execution.advance(event));
  }

  /** A step that the execution has stopped. */
  private drop(id: StepId): void {
    const step = this.running.get(id);
    if (step === undefined) return;
    this.orders.withdraw(step);
    this.close(step);
  }

  private close(step: RunningStep, output?: { readonly value: unknown }): void {
    this.running.delete(step.started.id);
    this.orders.drop(step);
    if (isWorkerStep(step)) this.orders.leave(step, output); // D3
    const { dueMs: _d, giveUpMs: _g, sequence: _q, isQueued: _i, isPaced: _p, beatMs: _b, ...others } = step.note;
    const { next: _n, isCallDue: _c, ...kept } = others;
    step.note = { ...kept, endedMs: this.runtime.now() };
    this.note(step, {});
  }

  /** After a cancel: what no worker has ends at once, and what one has within the grace. */
  private stopRunning(graceMs: number): void {
    const giveUpMs = this.runtime.now() + graceMs;
    for (const step of [...this.running.values()]) {
      if (isCall(step) && !isWorkerStep(step) && !this.isFinally(step)) {
        this.orders.withdraw(step);
        this.end(step, { kind: 'canceled', id: step.started.id });
        continue;
      }
      if (!isWorkerStep(step) || step.note.giveUpMs !== undefined || this.isFinally(step)) continue;
      if (step.note.sentMs === undefined) this.end(step, { kind: 'canceled', id: step.started.id });
      else {
        this.orders.withdraw(step);
        this.note(step, { giveUpMs });
      }
    }
  }

  private isFinally({ node }: RunningStep): boolean {
    const { reader } = this.record.execution;
    for (let at = node.region; at !== 0; ) {
      const region = reader.node(at);
      if (region.kind === 'finally') return true;
      at = region.kind === 'catch' ? reader.node(region.of).region : region.region;
    }
    return false;
  }

  private claimed(output: unknown): unknown {
    return markedClaim(output, this.record.definition.incarnation);
  }

  private note(step: RunningStep, change: Partial<StepNote>): void {
    step.note = { ...step.note, ...change };
    this.record.notes.set(step.started.id, step.note);
  }
}

/** How a wait ends when its time has come. */
function endOfWait({ started, node }: RunningStep): StepEnd {
  const { id, input } = started;
  if (node.kind !== 'approval') return { kind: 'succeeded', id, output: input };
  if (node.deadline?.otherwise === 'fail') {
    const message = `${node.name}: nobody has decided within ${node.deadline.afterMs} ms`;
    return { kind: 'failed', id, error: { code: 'approval-expired', message } };
  }
  return { kind: 'succeeded', id, output: { isApproved: false, answers: {}, reason: 'deadline' } };
}

function refusalOfStep({ node, started }: RunningStep): { readonly code: string; readonly message: string } {
  if (node.kind === 'task' && node.base === 'wait:delay') {
    const got = JSON.stringify((started.parameters as { duration?: unknown } | undefined)?.duration);
    return { code: 'input-invalid', message: `${node.name}: duration: must be a duration, got ${got}` };
  }
  const name = node.kind === 'task' ? node.base : node.kind;
  return { code: 'not-run-yet', message: `${name}: this version does not run such steps yet` };
}

function reportOf(
  result: Exclude<CallResult, { readonly kind: 'waits' }>,
): Pick<StepReport, 'kind' | 'output' | 'error'> {
  if (result.kind === 'succeeded') return result;
  const { kind, ...error } = result;
  return { kind, error };
}
