import { setImmediate as immediate } from 'node:timers/promises';
import { StoreError } from '../../lib/errors';
import { taskWire } from '../../lib/plan/task-names';
import type { StepId } from '../../lib/tasks/advance/step-id';
import { compileTaskFlow } from '../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph } from '../../lib/tasks/graph/task-graph';
import type { TaskError } from '../../runtime/api-contract/task-message';
import { lookIntoInput } from '../../runtime/controller/executions/activities/look-into-input';
import { ClaimedValues } from '../../runtime/controller/executions/claimed-values';
import type {
  AttemptAnswer,
  ExecutionCommand,
  ExecutionInput,
  ExecutionSnapshot,
  StepReport,
} from '../../runtime/controller/executions/ports/execution-workflow';
import type { SignalMark } from '../../runtime/controller/executions/ports/signal-marks';
import { headOf } from '../../runtime/controller/executions/ports/step-ref';
import type { UnwantedTask, Withdrawal } from '../../runtime/controller/executions/ports/task-bus';
import type { TaskValues } from '../../runtime/controller/executions/ports/task-values';
import type {
  AdmissionOrder,
  AdmissionResult,
  CallOrder,
  CallResult,
  ExecutionActivities,
  TaskOrder,
  WaitOrder,
  WaitResult,
} from '../../runtime/controller/executions/workflow/execution-activities';
import { ExecutionRun } from '../../runtime/controller/executions/workflow/execution-run';
import type { ExecutionRuntime } from '../../runtime/controller/executions/workflow/execution-runtime';

class Continued extends Error {
  constructor(readonly input: ExecutionInput) {
    super('continued');
  }
}

interface Condition {
  readonly holds: () => boolean;
  readonly endMs: number;
  readonly resolve: () => void;
}

/** A task message that a worker could take. */
export interface SentOrder extends TaskOrder {
  readonly run: number;
  readonly sequence: number;
  /** A worker has it, so that it cannot be withdrawn. */
  isTaken: boolean;
  /** Of a step that follows in the message of another one. */
  readonly head?: string;
}

/** Runs the workflow of one execution without a server, with a clock that the test moves. */
export class ExecutionStage {
  nowMs = Date.parse('2026-01-31T08:00:00Z');
  takenMs = this.nowMs;
  /** Messages in the order in which they were stored, those of earlier runs included. */
  readonly sent: SentOrder[] = [];
  readonly withdrawn: UnwantedTask[] = [];
  /** Last heartbeats by task id, in ms. */
  readonly heartbeats = new Map<string, number>();
  readonly waits = {
    begin: (_wait: WaitOrder): WaitResult => ({ kind: 'waits' }),
    ended: [] as StepId[],
  };
  admission: (attempt: AdmissionOrder) => AdmissionResult = () => ({ kind: 'admitted' });
  /** Attempts that have left their limits. */
  readonly left: { step: StepId; attempt: number; output?: { readonly value: unknown } | undefined }[] = [];
  /** Steps that a controller runs, until they are resolved. */
  readonly calls: (CallOrder & { readonly resolve: (result: CallResult) => void })[] = [];
  /** Of them, at a time. */
  maxCalls = 100;
  endsCanceledCalls = true;
  /** Objects that claims stand for, by key. */
  readonly objects = new Map<string, unknown>();
  kept: ExecutionSnapshot | undefined;
  /** Ends each run of the workflow after a report, so that the next one continues. */
  continuesAlways = false;
  /** Reports that are there when the workflow begins: an earlier controller has sent the tasks, and was killed. */
  readonly early: StepReport[] = [];
  /** How the workflow ended. */
  /** Attempts that have been sent, and whose results are stored, by `step/attempt`. */
  readonly reported = new Set<string>();
  ended: ExecutionSnapshot | undefined;
  runs = 0;
  private conditions: Condition[] = [];
  private current!: ExecutionRun;
  private isLong = false;
  private failure: unknown;
  private readonly random: () => number;

  constructor(options: { readonly random?: () => number } = {}) {
    this.random = options.random ?? (() => 0.5);
  }

  async start(flow: string | TaskGraph, input: unknown = {}): Promise<this> {
    const graph = typeof flow === 'string' ? compiled(flow) : flow;
    const definition = { namespace: 'team', execution: 'e', attributes: {}, by: 'tester', incarnation: '' };
    const begin = { kind: 'start', definition, graph, input } as const;
    await this.open({ limits: { ...limits, calls: this.maxCalls }, begin });
    return this;
  }

  async resume(resume: Partial<Extract<ExecutionInput['begin'], { kind: 'resume' }>['resume']> = {}): Promise<void> {
    if (this.ended === undefined) throw new Error('the execution has not ended');
    const snapshot = this.ended;
    this.ended = undefined;
    await this.open({ limits, begin: { kind: 'resume', snapshot, resume: { by: 'tester', ...resume } } });
  }

  /** Messages that no worker has reported yet, of the current attempts. */
  get waiting(): readonly SentOrder[] {
    return this.sent.filter(({ step, attempt, run }) => {
      const note = this.snapshot().notes[step];
      const isRunning = this.snapshot().state.steps[step]?.status === 'running';
      return isRunning && note?.attempt === attempt && run === this.snapshot().run && note.sentMs !== undefined;
    });
  }

  /** Names of the tasks that were sent, in order. */
  get names(): readonly string[] {
    return this.sent.map(({ name }) => name);
  }

  /** The last message of a task. */
  order(name: string): SentOrder {
    const found = this.sent.findLast((order) => order.name === name);
    if (found === undefined) throw new Error(`no task ${name} was sent`);
    return found;
  }

  take(name: string): Promise<void> {
    const order = this.order(name);
    order.isTaken = true;
    return this.report(order, { kind: 'receipt', worker: 'w' });
  }

  succeed(name: string | SentOrder, output: unknown = {}): Promise<void> {
    return this.report(typeof name === 'string' ? this.order(name) : name, { kind: 'succeeded', output });
  }

  fail(name: string | SentOrder, error: Partial<TaskError> = {}): Promise<void> {
    const failure = { code: 'broken', message: 'it broke', ...error };
    return this.report(typeof name === 'string' ? this.order(name) : name, { kind: 'failed', error: failure });
  }

  async report(
    { step, attempt, run, head }: Pick<SentOrder, 'step' | 'attempt' | 'run' | 'head'>,
    report: Pick<StepReport, 'kind'> & Partial<StepReport>,
    mark?: SignalMark,
  ): Promise<void> {
    this.isLong = this.continuesAlways;
    const place = { step, attempt, run, ...(head === undefined ? {} : { head }) };
    this.current.receive([{ ...place, at: new Date(this.nowMs).toISOString(), ...report }], mark);
    await this.settle();
  }

  /** Numbers of the signals that the workflow has not received. */
  unreceived(marks: readonly SignalMark[]): readonly number[] {
    return this.current.unreceived(marks);
  }

  /** The step that a worker goes on with after one of its message. */
  following({ next: [following, ...next] = [], head, ...order }: SentOrder): SentOrder | undefined {
    if (following === undefined) return undefined;
    const { run, sequence } = order;
    return { ...following, input: undefined, next, run, sequence, isTaken: true, head: head ?? headOf(order) };
  }

  /** What a worker is told of a task; without its name, of a message that was delivered before. */
  answer({ step, run, attempt, head }: SentOrder, worker?: string): AttemptAnswer {
    return this.current.isWaitingFor({ step, run, attempt, ...(head === undefined ? {} : { head }) }, worker);
  }

  /** Throws the refusal. */
  async command(command: ExecutionCommand): Promise<void> {
    const refusal = this.current.refusalOf(command);
    if (refusal !== undefined) throw new Error(`${refusal.code}: ${refusal.message}`);
    void this.current.command(command);
    await this.settle();
  }

  /** Moves the clock, deadline by deadline. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    for (;;) {
      const next = Math.min(end, ...this.conditions.map(({ endMs }) => endMs).filter((at) => at > this.nowMs));
      this.nowMs = next;
      await this.settle();
      if (next === end) return;
    }
  }

  snapshot(): ExecutionSnapshot {
    if (this.ended !== undefined) return this.ended;
    const answer = this.current.answer();
    if (answer === null || 'isTooLarge' in answer) throw new Error('there is no snapshot');
    return answer.snapshot;
  }

  isWaitingFor({ step, run, attempt }: Pick<SentOrder, 'step' | 'run' | 'attempt'>): AttemptAnswer {
    return this.current.isWaitingFor({ step, run, attempt });
  }

  status(step: StepId): string | undefined {
    return this.snapshot().state.steps[step]?.status;
  }

  private async open(input: ExecutionInput): Promise<void> {
    this.runs += 1;
    this.isLong = false;
    this.conditions = [];
    this.current = new ExecutionRun(structuredClone(input), this.runtime());
    this.current.receive(this.early.splice(0));
    this.current.run().then(
      (snapshot) => {
        this.ended = structuredClone(snapshot);
      },
      async (error) => {
        if (error instanceof Continued) await this.open(error.input);
        else this.failure = error;
      },
    );
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      await immediate();
      if (this.failure !== undefined) throw this.failure;
      const ready = this.conditions.filter(({ holds, endMs }) => endMs <= this.nowMs || holds());
      this.conditions = this.conditions.filter((condition) => !ready.includes(condition));
      for (const { resolve } of ready) resolve();
      idle = ready.length === 0 ? idle + 1 : 0;
    }
  }

  private runtime(): ExecutionRuntime {
    return {
      activities: this.activities(),
      call: (order) => {
        const canceled = { kind: 'failed', code: 'canceled', message: 'canceled' } as const;
        let cancel: () => void = () => undefined;
        const result = new Promise<CallResult>((resolve) => {
          this.calls.push({ ...order, resolve });
          cancel = () => this.endsCanceledCalls && resolve(canceled);
        });
        return { result, cancel };
      },
      now: () => this.nowMs,
      takenMs: () => this.takenMs,
      random: this.random,
      scheduledId: () => 'e-2026-01-31T08:00:00Z',
      waitUntil: (holds, timeoutMs = Number.POSITIVE_INFINITY) =>
        new Promise<void>((resolve) => {
          this.conditions.push({ holds, endMs: this.nowMs + timeoutMs, resolve });
        }),
      areRequestsHandled: () => true,
      isHistoryLong: () => this.isLong,
      continueAsNew: async (input) => {
        throw new Continued(input);
      },
    };
  }

  private values(): TaskValues {
    return {
      put: async (_namespace, key, value, maxInlineBytes = taskWire.maxInlineBytes) => {
        const bytes = JSON.stringify(value).length;
        if (bytes <= maxInlineBytes) return value;
        this.objects.set(key, value);
        return { $claim: { key, bytes } };
      },
      get: async (_namespace, key) => {
        if (!this.objects.has(key)) throw new StoreError('store-failed', `${key}: no such value`, { isFinal: true });
        return structuredClone(this.objects.get(key));
      },
      remove: async () => undefined,
    };
  }

  private activities(): ExecutionActivities {
    return {
      sendTasks: async ({ run, orders }) =>
        orders.map((order) => {
          if (this.reported.has(`${order.step}/${order.attempt}`)) return { isReported: true };
          const sequence = this.sent.length + 1;
          this.sent.push({ ...structuredClone(order), run, sequence, isTaken: false });
          return { sequence };
        }),
      withdrawTasks: async (_key, tasks) =>
        tasks.map((task): Withdrawal => {
          this.withdrawn.push(task);
          return task.sequence === undefined || this.sent[task.sequence - 1]?.isTaken === true ? 'told' : 'withdrawn';
        }),
      lastHeartbeats: async (_namespace, ids) => ids.map((id) => this.heartbeats.get(id) ?? null),
      lookInto: ({ inputs, ...of }) => {
        const values = new ClaimedValues(this.values(), of.key.namespace, of.mark);
        return Promise.all(inputs.map((input) => lookIntoInput(values, of, input)));
      },
      beginWaits: async (_namespace, waits) => waits.map((wait) => this.waits.begin(wait)),
      endWaits: async (_namespace, waits) => {
        for (const wait of waits) this.waits.ended.push(wait.ref.step);
      },
      admit: async (_namespace, attempts) => attempts.map((attempt) => this.admission(attempt)),
      leave: async (_namespace, attempts) => {
        this.left.push(...attempts.map(({ ref, output }) => ({ step: ref.step, attempt: ref.attempt, output })));
      },
      keepExecution: async (snapshot) => {
        this.kept = structuredClone(snapshot);
      },
      loadExecution: async () => {
        if (this.kept === undefined) throw new Error('nothing is stored');
        return structuredClone(this.kept);
      },
    };
  }
}

const limits = {
  historyLength: 1_000,
  cancelGraceMs: 30_000,
  following: { steps: 16, length: 65_536 },
  reportsFirst: true,
} as const;

function compiled(text: string): TaskGraph {
  const { flow, problems } = compileTaskFlow(text, 'test.flow');
  if (flow === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  return flow;
}
