import { KFlowError } from '../../lib/errors';
import type { OutputSpec } from '../../lib/plan/function-spec';
import { resultSubject } from '../../lib/plan/task-names';
import { TaskErrorCode } from '../api-contract/task-error-code';
import type { TaskError, TaskResult } from '../api-contract/task-message';
import type { HeldRecord } from '../engine/held-records';
import type { RecordWriter } from '../engine/output-writer';
import type { Failure } from '../engine/ports/host';
import type { LetterSink } from '../engine/settlement';
import { progressSide } from './loop-spec';
import type { TaskLinks } from './ports/task-links';
import { endError, type RunningTask } from './running-task';
import { decodeJson } from './task-calls';

export interface TaskResultsProps {
  readonly namespace: string;
  /** Names this worker in results. */
  readonly worker: string;
  readonly links: Pick<TaskLinks, 'publisher' | 'values'>;
  /** The task of a message of the stream of tasks. */
  readonly taskOf: (sequence: number) => RunningTask | undefined;
  readonly progress: (task: RunningTask, progress: unknown) => void;
  /** Begins the task that follows one that has succeeded; false if it does not begin here. */
  readonly follow?: (task: RunningTask, output: unknown) => boolean;
}

type Settle = (error?: KFlowError) => void;
type Headers = { readonly [name: string]: string };
/** A result without the fields that each has. */
type Report =
  | { readonly kind: 'receipt' }
  | { readonly kind: 'succeeded'; readonly output?: unknown; readonly continues?: true }
  | { readonly kind: 'failed'; readonly error: TaskError };

/**
 * Publishes the results of tasks: what a record loop writes as outputs and dead letters.
 *
 * I1. The id of a result is that of its task and its kind: a task that runs again has the same, and the stream stores one.
 *     Whether the worker continues is a part of the kind: both may have been reported, by two workers.
 */
export class TaskResults implements RecordWriter, LetterSink {
  readonly does = 'reporting it';

  constructor(private readonly props: TaskResultsProps) {}

  write(output: OutputSpec, id: string, payload: Uint8Array, settle: Settle, headers: Headers = {}): void {
    const task = this.props.taskOf(sequenceOf(id));
    if (task === undefined) settle(new KFlowError('state-invalid', `${id}: no such task runs`));
    else if (output.subject === progressSide) {
      this.props.progress(task, decodeJson(payload).progress);
      settle();
    } else {
      task.isInCode = false;
      void this.succeeded(task, decodeJson(payload).output, headers).then(settle, (error) => settle(error));
    }
  }

  room(): Promise<void> | undefined {
    return this.props.links.publisher.room();
  }

  /** Every size is taken: a large output becomes a claim. */
  refusal(): undefined {
    return undefined;
  }

  put(record: HeldRecord, failure: Failure, settle: Settle): void {
    const task = this.props.taskOf(record.delivery.sequence);
    if (task === undefined) settle(new KFlowError('state-invalid', `${record.name}: no such task runs`));
    else this.failed(task, taskErrorOf(failure, task)).then(() => settle(), settle);
  }

  ended(): void {}

  retrying(): void {}

  receipt(task: RunningTask): Promise<void> {
    return this.publish(task, { kind: 'receipt' });
  }

  failed(task: RunningTask, error: TaskError): Promise<void> {
    return this.publish(task, { kind: 'failed', error });
  }

  async succeeded(task: RunningTask, output: unknown, headers: Headers = {}): Promise<undefined> {
    const value = await this.props.links.values.put(`${task.id}/output`, output);
    const result = value === undefined ? {} : { output: value };
    const continues = this.props.follow?.(task, output) === true ? { continues: true as const } : {};
    await this.publish(task, { kind: 'succeeded', ...result, ...continues }, headers);
    return undefined;
  }

  private publish({ message }: RunningTask, report: Report, headers: Headers = {}): Promise<void> {
    const { namespace, worker, links } = this.props;
    const { id, token, execution } = message;
    const result: TaskResult = { v: 1, id, token, at: new Date().toISOString(), worker, ...report };
    const outgoing = {
      subject: resultSubject(namespace, execution),
      id: `${id}/${'continues' in report ? 'continued' : report.kind}`, // I1
      payload: Buffer.from(JSON.stringify(result)),
      headers,
    };
    return new Promise((resolve, reject) => {
      links.publisher.publish(outgoing, (stored) => (stored instanceof KFlowError ? reject(stored) : resolve()));
    });
  }
}

/** The id of an output is `<function>:<stream>:<sequence>:<index>`. */
function sequenceOf(id: string): number {
  return Number(id.split(':').at(-2));
}

/** What a result says of a failure. */
function taskErrorOf({ type, message, trace, reason, task: own }: Failure, task: RunningTask): TaskError {
  if (task.endsBy !== undefined) return endError(task.endsBy);
  if (own !== undefined) return { ...own, message };
  switch (reason) {
    case 'exited':
      return { code: TaskErrorCode.Exited, message };
    case 'crashed':
      return { code: TaskErrorCode.Crashed, message };
    case 'too large':
      return { code: TaskErrorCode.OutputInvalid, message, isTerminal: true };
    default:
      return { code: type, message, ...(trace === undefined ? {} : { details: { trace } }) };
  }
}
