import type { StepId } from '../../../../lib/tasks/advance/step-id';
import type { StepRef } from '../ports/step-ref';
import type { CallOrder, CallResult } from './execution-activities';
import type { ExecutionRuntime, PendingCall } from './execution-runtime';
import type { RunRecord } from './run-record';
import { isWorkerStep, type RunningStep } from './running-step';

/** Takes the results of calls. */
export interface CallAnswers {
  /** Undefined when the step has ended. */
  find(id: StepId): RunningStep | undefined;
  called(ref: StepRef, result: CallResult): void;
}

interface Call {
  readonly pending: PendingCall;
  /** The next run of the workflow makes it again. */
  readonly isRepeatable: boolean;
}

/**
 * The steps of an execution that a controller runs.
 *
 * C1. A call ends with the run of the workflow that made it. The next run makes one of `flow:run` again, and finds the flow that
 *     was submitted. Other calls are waited for, and none begins meanwhile.
 * C2. Few calls are under way at a time: Temporal refuses a workflow with 2,000.
 * C3. A call that was not made, or is to be made again, is so in its note.
 */
export class StepCalls {
  private readonly calls = new Map<StepId, Call>();
  private readonly waiting = new Set<StepId>();
  private isHeld = false;

  /** Without a limit, as in executions of earlier versions, no call is made again. */
  constructor(
    private readonly record: RunRecord,
    private readonly runtime: ExecutionRuntime,
    private readonly props: {
      readonly answers: CallAnswers;
      readonly limit: number | undefined;
      readonly refOf: (step: RunningStep) => StepRef;
    },
  ) {}

  /** Whether a call is under way that the next run of the workflow cannot make again. */
  get areWaitedFor(): boolean {
    return [...this.calls.values()].some(({ isRepeatable }) => !isRepeatable);
  }

  /** Makes no more calls: C1. */
  hold(): void {
    this.isHeld = this.props.limit !== undefined;
  }

  make(step: RunningStep): void {
    const { limit = Number.POSITIVE_INFINITY } = this.props;
    const { id } = step.started;
    if (!this.isHeld && this.calls.size < limit) this.begin(step);
    else {
      this.waiting.add(id);
      this.note(step, true);
    }
  }

  cancel(id: StepId): void {
    const call = this.calls.get(id);
    call?.pending.cancel();
    if (call !== undefined) this.calls.set(id, { ...call, isRepeatable: false });
  }

  /** The step has ended. */
  drop(id: StepId): void {
    this.waiting.delete(id);
  }

  private begin(step: RunningStep): void {
    const { id } = step.started;
    this.waiting.delete(id);
    const isRepeatable = this.props.limit !== undefined && step.node.kind === 'task' && step.node.base === 'flow:run';
    const nowMs = this.runtime.now();
    if (isWorkerStep(step)) step.note = { sentMs: nowMs, takenMs: nowMs, ...step.note };
    this.note(step, isRepeatable);
    const ref = this.props.refOf(step);
    const pending = this.runtime.call(this.orderOf(step, ref));
    this.calls.set(id, { pending, isRepeatable });
    void pending.result.then((result) => {
      if (this.calls.get(id)?.pending === pending) this.calls.delete(id);
      this.props.answers.called(ref, result);
      this.beginWaiting();
    });
  }

  private beginWaiting(): void {
    const { limit = 0, answers } = this.props;
    for (const id of this.waiting) {
      if (this.isHeld || this.calls.size >= limit) return;
      const step = answers.find(id);
      if (step !== undefined) this.begin(step);
    }
  }

  private orderOf({ node, started, note }: RunningStep, ref: StepRef): CallOrder {
    const { parameters, input, uri } = started;
    const { namespace, incarnation: mark } = this.record.definition;
    return {
      ref,
      namespace,
      ...(node.kind === 'task' ? { name: node.name } : {}),
      base: node.kind === 'task' ? node.base : node.kind,
      ...(uri === undefined ? {} : { uri }),
      ...(parameters === undefined ? {} : { parameters }),
      input,
      mark,
      sinceMs: note.sentMs ?? note.startedMs,
    };
  }

  /** C3. */
  private note(step: RunningStep, isDue: boolean): void {
    const { isCallDue: _, ...note } = step.note;
    step.note = isDue ? { ...note, isCallDue: true } : note;
    this.record.notes.set(step.started.id, step.note);
  }
}
