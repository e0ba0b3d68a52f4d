import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { type Heartbeat, TaskErrorCode, type TaskResult } from '../../../api-contract/task-message';
import type { ExecutionWorkflows, StepReport } from '../ports/execution-workflow';
import type { StepRef } from '../ports/step-ref';
import type { MalformedResult, TaskReports } from '../ports/task-bus';
import { parseTaskId } from '../ports/task-id';
import type { TaskToken, TaskTokens } from '../task-tokens';

/** Reports of one signal, and the length of their JSON. */
const maxReports = 100;
const maxLength = 1_000_000;
/** A receipt that nobody waits for is not worth a step of the workflow, unless the task runs for so long. */
const receiptDelayMs = 1_000;
/** Nobody waits for the result of a step that its worker has followed by the next one. */
const continuedDelayMs = 50;

interface Waiting {
  readonly report: StepReport;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Reports of one execution that no signal has yet. */
interface Queue {
  readonly waiting: Waiting[];
  isDraining: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Passes the results of workers on to the workflows of their executions.
 *
 * F1. One signal of an execution is under way at a time; what arrives meanwhile goes with the next one.
 * F2. A result whose execution has ended, or that is none of this installation, is dropped.
 * F3. A result after which its worker goes on is held back for a moment, to go with the one of the next step.
 */
export class ReportForwarder implements TaskReports {
  private readonly queues = new Map<string, Queue>();
  /** Drops a receipt that is held back, by token. */
  private readonly receipts = new Map<string, () => void>();

  constructor(
    private readonly props: {
      readonly workflows: Pick<ExecutionWorkflows, 'report' | 'isWaitingFor'>;
      readonly tokens: TaskTokens;
    },
  ) {}

  async result(namespace: string, result: TaskResult): Promise<void> {
    const token = this.props.tokens.read(namespace, result.token);
    if (token === undefined) return; // F2
    const key = { namespace, execution: token.execution };
    if (result.kind !== 'receipt') this.receipts.get(result.token)?.();
    else if (!token.isReceiptDue && !(await this.isStillDue(result.token))) return;
    await this.forward(key, reportOf(token, result));
  }

  async malformed(namespace: string, { execution, token = '', ids, fault }: MalformedResult): Promise<boolean> {
    const [ref] = [this.props.tokens.read(namespace, token), ...ids.map((id) => parseTaskId(execution, id))].filter(
      (each) => each?.execution === execution,
    );
    if (ref === undefined) return false;
    const error = { code: TaskErrorCode.ResultInvalid, message: fault, isTerminal: true };
    await this.tell(namespace, ref, { kind: 'failed', error });
    return true;
  }

  /** Reports what the controller itself knows of a step. */
  tell(namespace: string, ref: StepRef, report: Pick<StepReport, 'kind' | 'output' | 'error'>): Promise<void> {
    const { execution, run, step, attempt, head } = ref;
    const place = { run, step, attempt, ...(head === undefined ? {} : { head }) };
    return this.forward({ namespace, execution }, { ...place, at: new Date().toISOString(), ...report });
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

  private forward(key: ExecutionKey, report: StepReport): Promise<void> {
    return new Promise((resolve, reject) => {
      const name = executionName(key);
      const queue = this.queues.get(name) ?? { waiting: [], isDraining: false };
      this.queues.set(name, queue);
      queue.waiting.push({ report, resolve, reject });
      if (queue.isDraining) return;
      const drain = () => void this.drain(key, name, queue);
      if (report.continues !== true) drain();
      else queue.timer ??= setTimeout(drain, continuedDelayMs); // F3
    });
  }

  /** F1. */
  private async drain(key: ExecutionKey, name: string, queue: Queue): Promise<void> {
    clearTimeout(queue.timer);
    queue.isDraining = true;
    const { waiting } = queue;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, countOf(waiting));
      try {
        await this.props.workflows.report(
          key,
          batch.map(({ report }) => report),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.queues.delete(name);
  }
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
