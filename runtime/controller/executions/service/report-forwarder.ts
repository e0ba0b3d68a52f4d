import { randomUUID } from 'node:crypto';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { TaskErrorCode } from '../../../api-contract/task-error-code';
import type { Heartbeat, TaskResult } from '../../../api-contract/task-message';
import type { ExecutionWorkflows, StepReport } from '../ports/execution-workflow';
import { isReceived, type ReceivedMarks } from '../ports/signal-marks';
import type { StepRef } from '../ports/step-ref';
import type { MalformedResult, ReportReceipts, StepReports, TaskReports } from '../ports/task-bus';
import { parseTaskId } from '../ports/task-id';
import type { TaskToken, TaskTokens } from '../task-tokens';
import type { LargeOutputs } from './large-outputs';

/** Reports of one signal, and the length of their JSON. */
const maxReports = 100;
const maxLength = 1_000_000;
/** A receipt that nobody waits for is not worth a step of the workflow, unless the task runs for so long. */
const receiptDelayMs = 1_000;
/** Nobody waits for the result of a step that its worker has followed by the next one. */
const continuedDelayMs = 50;
/** How often a workflow is asked whether it has received the signals that it was sent. */
const checkMs = 10_000;

interface Waiting {
  readonly report: StepReport;
  /** Its output may become a claim. */
  readonly isResult: boolean;
  /** Temporal has it. */
  readonly sent: () => void;
  readonly failed: (error: unknown) => void;
  /** The workflow has it, or does not need it. */
  readonly received: () => void;
}

/** What becomes of a report. `received` does not resolve when `sent` rejects. */
interface Forwarding {
  readonly sent: Promise<void>;
  readonly received: Promise<void>;
}

type KnownReport = Pick<StepReport, 'kind' | 'output' | 'error'>;

/** Reports of one execution. */
interface Queue {
  readonly key: ExecutionKey;
  readonly name: string;
  /** Of its signals. */
  readonly sender: string;
  /** Of the last signal. */
  number: number;
  readonly waiting: Waiting[];
  /** Signals of which it is not known that they have been received, by number. */
  readonly unreceived: Map<number, readonly Waiting[]>;
  isDraining: boolean;
  timer?: NodeJS.Timeout;
  check?: NodeJS.Timeout;
}

/**
 * Passes the results of workers on to the workflows of their executions.
 *
 * F1. One signal of an execution is under way at a time; what arrives meanwhile goes with the next one.
 * F2. A result whose execution has ended, or that is none of this installation, is dropped.
 * F3. A result after which its worker goes on is held back for a moment, to go with the one of the next step.
 * F4. A result is kept until its workflow has received it. Temporal's worker may pass over a signal that comes while a workflow
 *     task times out (@temporalio/worker 1.24): one that was not received is sent again.
 */
export class ReportForwarder implements TaskReports, StepReports, ReportReceipts {
  private readonly queues = new Map<string, Queue>();
  /** Drops a receipt that is held back, by token. */
  private readonly receipts = new Map<string, () => void>();

  constructor(
    private readonly props: {
      readonly workflows: Pick<ExecutionWorkflows, 'report' | 'unreceived' | 'isWaitingFor'>;
      readonly tokens: TaskTokens;
      readonly outputs: LargeOutputs;
    },
  ) {}

  async result(namespace: string, result: TaskResult): Promise<void> {
    const token = this.props.tokens.read(namespace, result.token);
    if (token === undefined) return; // F2
    const key = { namespace, execution: token.execution };
    if (result.kind !== 'receipt') this.receipts.get(result.token)?.();
    else if (!token.isReceiptDue && !(await this.isStillDue(result.token))) return;
    await untilReceived(this.forward(key, reportOf(token, result), true));
  }

  async malformed(namespace: string, { execution, token = '', ids, fault }: MalformedResult): Promise<boolean> {
    const [ref] = [this.props.tokens.read(namespace, token), ...ids.map((id) => parseTaskId(execution, id))].filter(
      (each) => each?.execution === execution,
    );
    if (ref === undefined) return false;
    const error = { code: TaskErrorCode.ResultInvalid, message: fault, isTerminal: true };
    await untilReceived(this.forwardOf(namespace, ref, { kind: 'failed', error }));
    return true;
  }

  tell(namespace: string, ref: StepRef, report: KnownReport): Promise<void> {
    return this.forwardOf(namespace, ref, report).sent;
  }

  received(key: ExecutionKey, marks: ReceivedMarks): void {
    const queue = this.queues.get(executionName(key));
    if (queue === undefined) return;
    const { sender, unreceived } = queue;
    for (const number of [...unreceived.keys()]) if (isReceived(marks, { sender, number })) this.settle(queue, number);
    this.dropIfDone(queue);
  }

  async confirm(key: ExecutionKey): Promise<void> {
    const queue = this.queues.get(executionName(key));
    if (queue !== undefined && queue.unreceived.size > 0) await this.check(queue);
  }

  ended(key: ExecutionKey): void {
    const queue = this.queues.get(executionName(key));
    if (queue === undefined) return;
    for (const number of [...queue.unreceived.keys()]) this.settle(queue, number);
    this.dropIfDone(queue);
  }

  async isWanted(namespace: string, { token, worker, lease }: Heartbeat): Promise<boolean> {
    const ref = this.props.tokens.read(namespace, token);
    if (ref === undefined) return false;
    // a message that is delivered again: an earlier process of the worker may have gone on with what follows
    const asker = lease === 'begins' ? undefined : worker;
    const answer = await this.props.workflows.isWaitingFor({ namespace, execution: ref.execution }, ref, asker);
    if (answer === 'continued') await this.tell(namespace, ref, { kind: 'returned' });
    return answer === true;
  }

  /** False when the result came before the receipt was worth a report. */
  private isStillDue(token: string): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isDue: boolean) => {
        clearTimeout(timer);
        this.receipts.delete(token);
        resolve(isDue);
      };
      const timer = setTimeout(() => settle(true), receiptDelayMs);
      timer.unref();
      this.receipts.set(token, () => settle(false));
    });
  }

  private forwardOf(namespace: string, ref: StepRef, report: KnownReport): Forwarding {
    const { execution, run, step, attempt, head } = ref;
    const place = { run, step, attempt, ...(head === undefined ? {} : { head }) };
    return this.forward({ namespace, execution }, { ...place, at: new Date().toISOString(), ...report });
  }

  private forward(key: ExecutionKey, report: StepReport, isResult = false): Forwarding {
    const queue = this.queueOf(key);
    const sent = deferred();
    const received = deferred();
    queue.waiting.push({ report, isResult, sent: sent.resolve, failed: sent.reject, received: received.resolve });
    if (!queue.isDraining) {
      if (report.continues !== true) void this.drain(queue);
      else queue.timer ??= setTimeout(() => void this.drain(queue), continuedDelayMs); // F3
    }
    return { sent: sent.promise, received: received.promise };
  }

  private queueOf(key: ExecutionKey): Queue {
    const name = executionName(key);
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const queue = { key, name, sender: randomUUID(), number: 0, waiting: [], unreceived: new Map(), isDraining: false };
    this.queues.set(name, queue);
    return queue;
  }

  /** F1. */
  private async drain(queue: Queue): Promise<void> {
    clearTimeout(queue.timer);
    queue.timer = undefined;
    queue.isDraining = true;
    const { waiting } = queue;
    while (waiting.length > 0) {
      const taken = waiting.splice(0, countOf(waiting));
      const number = ++queue.number;
      try {
        const results = taken.filter(({ isResult }) => isResult).map(({ report }) => report);
        const isFull = this.props.outputs.add(queue.key, results);
        const batch = isFull ? await this.withClaims(queue, taken) : taken;
        queue.unreceived.set(number, batch); // the execution may end before the signal is answered
        await this.signal(queue, number, batch);
        for (const { sent } of taken) sent();
      } catch (error) {
        queue.unreceived.delete(number);
        for (const { failed } of taken) failed(error);
      }
    }
    queue.isDraining = false;
    this.checkLater(queue);
    this.dropIfDone(queue);
  }

  private async withClaims({ key }: Queue, batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const results = batch.filter(({ isResult }) => isResult);
    const reports = results.map(({ report }) => report);
    const claimed = await this.props.outputs.claimed(key, reports);
    return batch.map((each) => ({ ...each, report: claimed[results.indexOf(each)] ?? each.report }));
  }

  private async signal(queue: Queue, number: number, batch: readonly Waiting[]): Promise<void> {
    const { key, sender } = queue;
    const reports = batch.map(({ report }) => report);
    if (!(await this.props.workflows.report(key, reports, { sender, number }))) this.settle(queue, number); // F2
  }

  private settle({ unreceived }: Queue, number: number): void {
    for (const { received } of unreceived.get(number) ?? []) received();
    unreceived.delete(number);
  }

  /** F4. */
  private checkLater(queue: Queue): void {
    if (queue.unreceived.size > 0) queue.check ??= setTimeout(() => void this.check(queue), checkMs).unref();
  }

  private async check(queue: Queue): Promise<void> {
    clearTimeout(queue.check);
    const { key, sender, unreceived } = queue;
    const asked = [...unreceived.keys()];
    try {
      const marks = asked.map((number) => ({ sender, number }));
      const lost = await this.props.workflows.unreceived(key, marks);
      for (const number of asked) if (!lost.includes(number)) this.settle(queue, number);
      for (const number of lost) {
        const batch = unreceived.get(number);
        if (batch !== undefined) await this.signal(queue, number, batch);
      }
    } catch {
      // asked again
    }
    queue.check = undefined;
    this.checkLater(queue);
    this.dropIfDone(queue);
  }

  private dropIfDone(queue: Queue): void {
    if (queue.isDraining || queue.waiting.length > 0 || queue.unreceived.size > 0) return;
    clearTimeout(queue.check);
    if (this.queues.get(queue.name) === queue) this.queues.delete(queue.name);
  }
}

/** F4. */
async function untilReceived({ sent, received }: Forwarding): Promise<void> {
  await sent;
  await received;
}

function deferred(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((...settlers) => {
    [resolve, reject] = settlers;
  });
  return { promise, resolve, reject };
}

/** How many reports fit into one signal. */
function countOf(queue: readonly Waiting[]): number {
  let length = 0;
  for (const [index, { report }] of queue.slice(0, maxReports).entries()) {
    length += report.output === undefined ? 100 : JSON.stringify(report.output).length;
    if (length > maxLength) return Math.max(1, index);
  }
  return maxReports;
}

function reportOf({ step, run, attempt, head }: TaskToken, result: TaskResult): StepReport {
  const { kind, at, worker } = result;
  return {
    step,
    run,
    attempt,
    ...(head === undefined ? {} : { head }),
    kind,
    at,
    worker,
    ...(kind === 'succeeded'
      ? { output: result.output, ...(result.continues === true ? { continues: true } : {}) }
      : {}),
    ...(kind === 'failed' ? { error: result.error } : {}),
  };
}
