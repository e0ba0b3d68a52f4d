import type { Advance, ExecutionEvent } from '../../../../lib/tasks/advance/execution-state';
import { startedStep } from '../../../../lib/tasks/advance/started-step';
import type { StepId } from '../../../../lib/tasks/advance/step-id';
import { isStepNode } from '../../../../lib/tasks/graph/task-graph';
import { type TaskError, TaskErrorCode } from '../../../api-contract/task-message';
import type { ExecutionCommand, StepNote, StepReport } from '../ports/execution-workflow';
import type { UnwantedTask } from '../ports/task-bus';
import { decisionOf, refusalOfDecision } from './approvals';
import type { TaskOrder } from './execution-activities';
import type { ExecutionRuntime } from './execution-runtime';
import { retryDelayMs } from './retry-delay';
import type { RunRecord } from './run-record';
import { deadlineOf, isWorkerStep, type RunningStep, type WorkerStep } from './running-step';
import { taskId } from './task-id';
import { beginWait } from './waits';

/** Largest number of messages, and size of their inputs, of one activity. */
const maxBatch = 200;

/**
 * The steps of an execution that have started and not ended: sends their tasks, takes reports, retries, and ends what is late.
 *
 * D1. A report of an attempt that is not the current one changes nothing.
 * D2. Every started step ends by a report, by a deadline, or by a stop of the execution.
 */
export class StepDesk {
  private readonly running = new Map<StepId, RunningStep>();
  /** Attempts whose messages are not stored yet. */
  private readonly unsent = new Set<StepId>();
  private unwanted: (UnwantedTask & { readonly step: StepId })[] = [];

  constructor(
    private readonly record: RunRecord,
    private readonly runtime: ExecutionRuntime,
  ) {}

  /** Takes up the steps that an earlier run of the workflow has started. */
  takeUp(): void {
    const { execution, notes } = this.record;
    for (const id of execution.running()) {
      const step = execution.steps.get(id);
      const note = notes.get(id);
      if (step === undefined || note === undefined || !isStepNode(step.node)) continue;
      this.running.set(id, { started: startedStep(id, step.node, step.input), node: step.node, note });
    }
  }

  /** Begins the steps that the execution has started, and ends those that it has stopped. */
  apply({ started, stopped }: Advance): void {
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

  /** Stores the messages of new attempts, and withdraws those that are not wanted any more. */
  async send(): Promise<void> {
    while (this.unsent.size > 0 || this.unwanted.length > 0) {
      await this.withdraw();
      await this.sendSome();
    }
  }

  report({ step: id, run, attempt, ...report }: StepReport): void {
    const step = this.running.get(id);
    if (step === undefined || run !== this.record.run || attempt !== step.note.attempt) return; // D1
    if (!isWorkerStep(step) || step.note.sentMs === undefined) return; // waits for its next attempt
    const { kind, worker = step.note.worker } = report;
    const known = worker === undefined ? {} : { worker };
    if (kind === 'receipt') {
      if (step.note.takenMs === undefined) this.note(step, { takenMs: this.runtime.now(), ...known });
      return;
    }
    this.note(step, known);
    if (kind === 'succeeded') this.end(step, { kind, id, output: report.output });
    else this.failAttempt(step, report.error ?? { code: 'function-failed', message: 'the task failed' });
  }

  refusalOf(command: ExecutionCommand): string | undefined {
    const { execution } = this.record;
    if (command.kind === 'save') return undefined;
    if (execution.outcome !== undefined) return 'the execution has ended';
    if (command.kind === 'decide') return refusalOfDecision([...this.running.values()], command);
    return undefined;
  }

  command(command: ExecutionCommand, graceMs: number): void {
    const { execution } = this.record;
    if (execution.outcome !== undefined) return;
    const { by, comment } = { comment: undefined, by: '', ...command };
    const entry = { atMs: this.runtime.now(), by, ...(comment === undefined ? {} : { comment }) };
    if (command.kind === 'decide') {
      const decided = decisionOf([...this.running.values()], command);
      if (decided === undefined) return;
      this.record.add({ ...entry, what: 'decided' });
      this.end(decided.step, { kind: 'succeeded', id: decided.step.started.id, output: decided.output });
    } else if (command.kind === 'terminate') {
      this.record.add({ ...entry, what: 'canceling' });
      this.record.terminate();
      this.apply(execution.advance({ kind: 'cancel', force: true }));
    } else if (command.kind === 'cancel') {
      if (execution.ending?.status !== 'canceled') this.record.add({ ...entry, what: 'canceling' });
      this.apply(execution.advance({ kind: 'cancel' }));
      this.stopRunning(command.graceMs ?? graceMs);
    }
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

  private takeDeadline(step: RunningStep, kind: NonNullable<ReturnType<typeof deadlineOf>>['kind']): void {
    const { id } = step.started;
    const limits = step.node.kind === 'task' ? step.node.policy.timeout : {};
    switch (kind) {
      case 'due':
        if (isWorkerStep(step)) this.beginAttempt(step);
        else this.end(step, endOfWait(step));
        return;
      case 'give-up':
        this.unwant(step);
        this.end(step, { kind: 'canceled', id });
        return;
      case 'start':
        this.unwant(step);
        this.failAttempt(step, {
          code: 'start-timeout',
          message: `no worker took the task within ${limits.startMs} ms`,
        });
        return;
      case 'run':
        this.unwant(step);
        this.failAttempt(step, { code: TaskErrorCode.TimedOut, message: `the task ran for over ${limits.runMs} ms` });
        return;
      case 'total':
        this.unwant(step);
        this.failAttempt(step, {
          code: 'total-timeout',
          message: `the step did not end within ${limits.totalMs} ms, with all attempts`,
          isTerminal: true,
        });
    }
  }

  private begin(step: RunningStep): void {
    if (isWorkerStep(step)) {
      this.beginAttempt(step);
      return;
    }
    const begun = beginWait(step, this.runtime.now());
    if ('error' in begun) this.end(step, { kind: 'failed', id: step.started.id, error: begun.error });
    else this.note(step, begun);
  }

  private beginAttempt(step: WorkerStep): void {
    const { startedMs, attempt, failures } = step.note;
    step.note = { startedMs, attempt: attempt + 1, ...(failures === undefined ? {} : { failures }) };
    this.note(step, {});
    this.unsent.add(step.started.id);
  }

  private failAttempt(step: WorkerStep | RunningStep, error: TaskError): void {
    const { note, node, started } = step;
    const { attempt, worker } = note;
    const failure = { ...error, attempt, atMs: this.runtime.now(), ...(worker === undefined ? {} : { worker }) };
    const { sentMs: _s, sequence: _q, takenMs: _t, worker: _w, giveUpMs: _g, dueMs: _d, ...kept } = note;
    step.note = { ...kept, failures: [...(note.failures ?? []), failure].slice(-10) };
    const isHeld = this.record.execution.regionOf(node, parentItems(step, this.record))?.isHeld ?? false;
    const isStopping = note.giveUpMs !== undefined || isHeld;
    const random = () => this.runtime.random();
    const delayMs =
      node.kind === 'task' && !isStopping ? retryDelayMs(node.policy.retry, error, { attempt, random }) : undefined;
    if (delayMs !== undefined) {
      this.note(step, { dueMs: this.runtime.now() + delayMs });
      return;
    }
    const { id } = started;
    if (error.code === TaskErrorCode.Canceled && isStopping) this.end(step, { kind: 'canceled', id });
    else {
      const { code, message, details } = error;
      const detail = details === undefined ? {} : { details };
      this.end(step, { kind: 'failed', id, error: { code, message, attempts: attempt, ...detail } });
    }
  }

  /** Ends a step, and begins what the execution starts then. */
  private end(step: RunningStep, event: Exclude<ExecutionEvent, { kind: 'cancel' }>): void {
    this.close(step);
    this.apply(this.record.execution.advance(event));
  }

  /** A step that the execution has stopped. */
  private drop(id: StepId): void {
    const step = this.running.get(id);
    if (step === undefined) return;
    this.unwant(step);
    this.close(step);
  }

  private close(step: RunningStep): void {
    const { id } = step.started;
    this.running.delete(id);
    this.unsent.delete(id);
    const { dueMs: _d, giveUpMs: _g, sequence: _q, ...kept } = step.note;
    step.note = { ...kept, endedMs: this.runtime.now() };
    this.note(step, {});
  }

  /** After a cancel: what no worker has ends at once, and what one has within the grace. */
  private stopRunning(graceMs: number): void {
    const giveUpMs = this.runtime.now() + graceMs;
    for (const step of [...this.running.values()]) {
      if (!isWorkerStep(step) || step.note.giveUpMs !== undefined) continue;
      if (this.isFinally(step)) continue;
      const { id } = step.started;
      if (step.note.sentMs === undefined) this.end(step, { kind: 'canceled', id });
      else {
        this.unwant(step);
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

  private unwant(step: RunningStep): void {
    const { sequence, sentMs, attempt } = step.note;
    if (!isWorkerStep(step) || sequence === undefined || sentMs === undefined) return;
    const { definition, run } = this.record;
    const { id } = step.started;
    this.unwanted.push({
      id: taskId(definition.execution, run, id, attempt),
      task: step.node.base,
      sequence,
      step: id,
    });
  }

  private async withdraw(): Promise<void> {
    if (this.unwanted.length === 0) return;
    const tasks = this.unwanted;
    this.unwanted = [];
    const { namespace, execution } = this.record.definition;
    const orders = tasks.map(({ step: _, ...task }) => task);
    const withdrawals = await this.runtime.activities.withdrawTasks({ namespace, execution }, orders);
    for (const [index, { step: id, sequence }] of tasks.entries()) {
      const step = this.running.get(id);
      if (withdrawals[index] !== 'withdrawn' || step?.note.sequence !== sequence) continue;
      this.end(step, { kind: 'canceled', id });
    }
  }

  private async sendSome(): Promise<void> {
    const ids = [...this.unsent].slice(0, maxBatch);
    const steps = ids.map((id) => this.running.get(id)).filter((step) => step !== undefined && isWorkerStep(step));
    if (steps.length === 0) return;
    const { definition, run, execution } = this.record;
    const { namespace, execution: id } = definition;
    const flow = execution.reader.graph.name;
    const results = await this.runtime.activities.sendTasks({
      key: { namespace, execution: id },
      run,
      ...(flow === undefined ? {} : { flow }),
      orders: steps.map(orderOf),
    });
    for (const [index, step] of steps.entries()) {
      const result = results[index];
      if (result === undefined || !this.unsent.delete(step.started.id)) continue;
      if ('sequence' in result) this.note(step, { sentMs: this.runtime.now(), sequence: result.sequence });
      else this.failAttempt(step, { ...result, isTerminal: true });
    }
  }

  private note(step: RunningStep, change: Partial<StepNote>): void {
    step.note = { ...step.note, ...change };
    this.record.notes.set(step.started.id, step.note);
  }
}

function orderOf({ started, node, note }: WorkerStep): TaskOrder {
  const { startMs, runMs, heartbeatMs } = node.policy.timeout;
  const limits = Object.entries({ startMs, runMs, heartbeatMs }).filter(([, ms]) => ms !== undefined);
  return {
    step: started.id,
    attempt: note.attempt,
    name: node.name,
    base: node.base,
    ...(started.parameters === undefined ? {} : { parameters: started.parameters }),
    input: started.input,
    ...(limits.length === 0 ? {} : { timeouts: Object.fromEntries(limits) }),
  };
}

function parentItems(step: RunningStep, { execution }: RunRecord): readonly number[] {
  return execution.steps.get(step.started.id)?.items ?? [];
}

/** How a wait ends when its time has come. */
function endOfWait({ started, node }: RunningStep): Exclude<ExecutionEvent, { kind: 'cancel' }> {
  const { id, input } = started;
  if (node.kind !== 'approval') return { kind: 'succeeded', id, output: input };
  if (node.deadline?.otherwise === 'fail') {
    const message = `${node.name}: nobody has decided within ${node.deadline.afterMs} ms`;
    return { kind: 'failed', id, error: { code: 'approval-expired', message } };
  }
  return { kind: 'succeeded', id, output: { isApproved: false, answers: {}, reason: 'deadline' } };
}
