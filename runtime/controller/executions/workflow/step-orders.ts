import { parseDuration } from '../../../../lib/duration';
import type { Look, UnseenInput } from '../../../../lib/tasks/advance/execution-state';
import type { GraphReader } from '../../../../lib/tasks/advance/graph-reader';
import type { StepId } from '../../../../lib/tasks/advance/step-id';
import type { TaskStepNode } from '../../../../lib/tasks/graph/task-graph';
import { followedHead, type StepRef } from '../ports/step-ref';
import type { Withdrawal } from '../ports/task-bus';
import { taskId } from '../ports/task-id';
import type {
  AdmissionOrder,
  AdmissionResult,
  FollowingOrder,
  LeaveOrder,
  OrderResult,
  TaskOrder,
  TaskOrders,
  WaitResult,
} from './execution-activities';
import type { ExecutionRuntime } from './execution-runtime';
import { messageOf } from './following-steps';
import type { RunRecord } from './run-record';
import type { RunningStep, WorkerStep } from './running-step';
import { isWorkerStep } from './running-step';
import { type CallAnswers, StepCalls } from './step-calls';

/** Orders of one activity: the history has its results, and nats takes the messages. */
const maxBatch = 200;
/** Of one activity, which returns what each has found. */
const maxLooks = 20;

/** Takes the answers to orders. */
export interface OrderAnswers extends CallAnswers {
  sent(step: WorkerStep, result: OrderResult): void;
  withdrawn(step: RunningStep): void;
  begun(step: RunningStep, result: WaitResult): void;
  admitted(step: WorkerStep, result: AdmissionResult): void;
  beaten(step: WorkerStep, atMs: number | null): void;
  seen(id: StepId, look: Look): void;
}

interface Unwanted {
  readonly id: StepId;
  readonly attempt: number;
  readonly base: string;
  /** Absent: the message is kept, and workers are told. */
  readonly sequence?: number;
  readonly head?: string;
}

/**
 * What the steps of an execution need from outside, gathered until the next `flush`, and done in few activities.
 *
 * O1. What somebody does not want any more goes first, what is new goes last.
 * O2. An order of a step that has ended meanwhile is dropped, and so is its answer.
 */
export class StepOrders {
  private readonly unsent = new Set<StepId>();
  private readonly unadmitted = new Set<StepId>();
  private readonly unbegun = new Set<StepId>();
  private readonly unchecked = new Set<StepId>();
  private unseen: UnseenInput[] = [];
  private unwanted: Unwanted[] = [];
  private ended: RunningStep[] = [];
  private leaving: LeaveOrder[] = [];
  readonly calls: StepCalls;

  constructor(
    private readonly record: RunRecord,
    private readonly runtime: ExecutionRuntime,
    private readonly answers: OrderAnswers,
    maxCalls: number | undefined,
  ) {
    const refOf = (step: RunningStep) => this.refOf(step);
    this.calls = new StepCalls(record, runtime, { answers, limit: maxCalls, refOf });
  }

  get isEmpty(): boolean {
    const { unsent, unadmitted, unbegun, unchecked, unseen, unwanted, ended, leaving } = this;
    return (
      unsent.size +
        unadmitted.size +
        unbegun.size +
        unchecked.size +
        unseen.length +
        unwanted.length +
        ended.length +
        leaving.length ===
      0
    );
  }

  /** Has the values be looked into that claims stand for. */
  look(input: UnseenInput): void {
    this.unseen.push(input);
  }

  send({ started }: RunningStep): void {
    this.unsent.add(started.id);
  }

  admit({ started }: RunningStep): void {
    this.unadmitted.add(started.id);
  }

  beginWait({ started }: RunningStep): void {
    this.unbegun.add(started.id);
  }

  /** Who reports of a wait was told of it: by a controller that was killed, if not from here. */
  hasBegun({ started }: RunningStep): void {
    this.unbegun.delete(started.id);
  }

  checkHeartbeat({ started }: RunningStep): void {
    this.unchecked.add(started.id);
  }

  /** Withdraws the message of the current attempt. */
  withdraw({ started, node, note }: RunningStep): void {
    this.calls.cancel(started.id);
    const { sequence, attempt } = note;
    if (node.kind !== 'task' || sequence === undefined) return;
    const head = followedHead(note);
    const place = head === undefined ? {} : { head };
    this.unwanted.push({ id: started.id, attempt, base: node.base, sequence, ...place });
  }

  /** Tells the worker of a step not to go on with one that follows, nor with what follows that. */
  endBefore(step: WorkerStep, following: StepId): void {
    this.unwanted.push({ id: following, attempt: 1, base: step.node.base, head: messageOf(step) });
  }

  /** The attempt has ended: it gives back its place, and its output may be remembered. */
  leave(step: WorkerStep, output?: { readonly value: unknown }): void {
    const { concurrency, memoize } = step.node.policy;
    if (concurrency === undefined && (memoize === undefined || output === undefined)) return;
    const { rate: _, ...order } = this.admissionOf(step);
    this.leaving.push({ ...order, ...(output === undefined ? {} : { output }) });
  }

  /** The step has ended. */
  drop(step: RunningStep): void {
    const { id } = step.started;
    for (const orders of [this.unsent, this.unadmitted, this.unchecked]) orders.delete(id);
    this.calls.drop(id);
    const isBegun = !this.unbegun.delete(id);
    if (isBegun && keepsWaiting(step)) this.ended.push(step);
  }

  /** O1. */
  async flush(): Promise<void> {
    while (!this.isEmpty) {
      await this.flushUnwanted();
      await this.flushEnded();
      await this.flushLooks();
      await this.flushWaits();
      await this.flushAdmissions();
      await this.flushHeartbeats();
      await this.flushTasks();
    }
  }

  refOf({ started, note }: RunningStep): StepRef {
    const { definition, wireRun: run } = this.record;
    const head = followedHead(note);
    const place = head === undefined ? {} : { head };
    return { execution: definition.execution, run, step: started.id, attempt: note.attempt, ...place };
  }

  private async flushUnwanted(): Promise<void> {
    if (this.unwanted.length === 0) return;
    const unwanted = this.unwanted;
    this.unwanted = [];
    const { definition, wireRun: run } = this.record;
    const { namespace, execution } = definition;
    const tasks = unwanted.map(({ id: step, base, sequence, ...place }) => ({
      id: taskId({ execution, run, step, ...place }),
      task: base,
      ...(sequence === undefined ? {} : { sequence }),
    }));
    const results: readonly Withdrawal[] = await this.runtime.activities.withdrawTasks({ namespace, execution }, tasks);
    for (const [index, { id, sequence }] of unwanted.entries()) {
      const step = this.answers.find(id);
      const isCurrent = step !== undefined && step.note.sequence === sequence; // O2
      if (isCurrent && results[index] === 'withdrawn') this.answers.withdrawn(step);
    }
  }

  private async flushEnded(): Promise<void> {
    const { namespace, incarnation } = this.record.definition;
    const { ended, leaving } = this;
    this.ended = [];
    this.leaving = [];
    const waits = ended.map((step) => ({ ref: this.refOf(step), ...waitOf(step) }));
    if (waits.length > 0) await this.runtime.activities.endWaits(namespace, waits);
    if (leaving.length > 0) await this.runtime.activities.leave(namespace, leaving, incarnation);
  }

  private async flushLooks(): Promise<void> {
    const inputs = this.unseen.splice(0, maxLooks);
    if (inputs.length === 0) return;
    const looks = await this.runtime.activities.lookInto({ ...this.placeOf(), inputs });
    for (const [index, { id }] of inputs.entries()) {
      const look = looks[index];
      if (look !== undefined) this.answers.seen(id, look);
    }
  }

  private async flushWaits(): Promise<void> {
    const steps = this.takeSome(this.unbegun, isWaitStep);
    if (steps.length === 0) return;
    const { startedMs: executionMs, definition } = this.record;
    const orders = steps.map((step) => ({
      ref: this.refOf(step),
      ...waitOf(step),
      input: step.started.input,
      mark: definition.incarnation,
      executionMs,
    }));
    const results = await this.runtime.activities.beginWaits(definition.namespace, orders);
    this.answer(steps, results, (step, result) => this.answers.begun(step, result));
  }

  private async flushAdmissions(): Promise<void> {
    const steps = this.takeSome(this.unadmitted, isWorkerStep);
    if (steps.length === 0) return;
    const orders = steps.map((step) => this.admissionOf(step));
    const { namespace, incarnation } = this.record.definition;
    const results = await this.runtime.activities.admit(namespace, orders, incarnation);
    this.answer(steps, results, (step, result) => this.answers.admitted(step, result));
  }

  private async flushHeartbeats(): Promise<void> {
    const steps = this.takeSome(this.unchecked, isWorkerStep);
    if (steps.length === 0) return;
    const ids = steps.map((step) => taskId(this.refOf(step)));
    const { namespace } = this.record.definition;
    const results = await this.runtime.activities.lastHeartbeats(namespace, ids);
    this.answer(steps, results, (step, atMs) => this.answers.beaten(step, atMs));
  }

  private async flushTasks(): Promise<void> {
    const steps = this.takeSome(this.unsent, isWorkerStep);
    if (steps.length === 0) return;
    const flow = this.record.execution.reader.graph.name;
    const { attributes: metadata } = this.record.definition;
    const results = await this.runtime.activities.sendTasks({
      ...this.placeOf(),
      ...(flow === undefined ? {} : { flow }),
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      received: this.record.received.marks(),
      orders: steps.map((step) => this.orderOf(step)),
    });
    this.answer(steps, results, (step, result) => this.answers.sent(step, result));
  }

  private placeOf(): Pick<TaskOrders, 'key' | 'run' | 'mark'> {
    const { definition, wireRun: run } = this.record;
    const { namespace, execution, incarnation: mark } = definition;
    return { key: { namespace, execution }, run, mark };
  }

  private orderOf(step: WorkerStep): TaskOrder {
    const { started, node, note } = step;
    const { id, parameters, input } = started;
    const { reader } = this.record.execution;
    const next = (note.next ?? []).map((following) => {
      const record = reader.node(Number.parseInt(following, 10)) as TaskStepNode;
      return orderOf(reader, record, { step: following, attempt: 1, parameters: record.parameters });
    });
    return {
      ...orderOf(reader, node, { step: id, attempt: note.attempt, parameters }),
      input,
      ...(next.length === 0 ? {} : { next }),
    };
  }

  private takeSome<Step extends RunningStep>(
    ids: Set<StepId>,
    is: (step: RunningStep) => step is Step,
  ): readonly Step[] {
    const taken = [...ids].slice(0, maxBatch);
    for (const id of taken) ids.delete(id);
    return taken.flatMap((id) => {
      const step = this.answers.find(id);
      return step !== undefined && is(step) ? [step] : [];
    });
  }

  /** O2. */
  private answer<Step extends RunningStep, Result>(
    steps: readonly Step[],
    results: readonly Result[],
    take: (step: Step, result: Result) => void,
  ): void {
    const attempts = steps.map(({ note }) => note.attempt);
    for (const [index, step] of steps.entries()) {
      const result = results[index];
      if (result === undefined || this.answers.find(step.started.id) !== step) continue;
      if (step.note.attempt === attempts[index]) take(step, result);
    }
  }

  private admissionOf(step: WorkerStep): AdmissionOrder {
    const { node, started, note } = step;
    const { concurrency, rate, memoize } = node.policy;
    const { keys = {} } = started;
    const isPaced = note.isPaced === true;
    return {
      ref: this.refOf(step),
      base: node.base,
      ...(memoize === undefined ? {} : { memoize: { ...memoize, key: keys.memoize ?? memoize.key } }),
      ...(rate === undefined || isPaced ? {} : { rate: { ...rate, key: keys.rate } }),
      ...(concurrency === undefined ? {} : { concurrency: { ...concurrency, key: keys.concurrency } }),
    };
  }
}

/** Whether the controller is told of the wait: for an event or a latch. */
export function isWaitStep(step: RunningStep): step is RunningStep {
  const { node } = step;
  return node.kind === 'task' && node.base.startsWith('wait:') && node.base !== 'wait:delay';
}

/** Whether somebody else knows of the wait. */
function keepsWaiting({ node }: RunningStep): boolean {
  return node.kind === 'task' && (node.base === 'wait:event' || node.base === 'wait:countdown');
}

/** The length of a `wait:delay` in ms; undefined for parameters that have none. */
export function delayMs(parameters: unknown): number | undefined {
  const { duration } = (parameters ?? {}) as { readonly duration?: unknown };
  const ms = typeof duration === 'number' ? duration * 1_000 : parseDuration(String(duration));
  return ms === undefined || Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

function waitOf({ node, started }: RunningStep): { readonly base: string; readonly parameters: unknown } {
  return { base: node.kind === 'task' ? node.base : node.kind, parameters: started.parameters };
}

function orderOf(
  reader: GraphReader,
  node: TaskStepNode,
  { step, attempt, parameters }: Pick<FollowingOrder, 'step' | 'attempt' | 'parameters'>,
): FollowingOrder {
  const { startMs, runMs, heartbeatMs } = node.policy.timeout;
  const limits = Object.entries({ startMs, runMs, heartbeatMs }).filter(([, ms]) => ms !== undefined);
  return {
    step,
    attempt,
    name: node.name,
    base: node.base,
    ...(parameters === undefined ? {} : { parameters }),
    ...(limits.length === 0 ? {} : { timeouts: Object.fromEntries(limits) }),
    ...(reader.leadsToMap(node) ? { wantsList: true } : {}),
  };
}
