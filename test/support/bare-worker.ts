import { setTimeout as pause } from 'node:timers/promises';
import { AckPolicy, type ConsumerMessages, type JetStreamManager, type JsMsg, type NatsConnection } from 'nats';
import {
  cancelSubject,
  heartbeatSubject,
  resultSubject,
  taskNamespaceSubjects,
  taskStream,
} from '../../lib/plan/task-names';
import { ensureTaskStreams } from '../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { ObjectValueStore } from '../../runtime/adapters/jetstream/tasks/object-value-store';
import type {
  FollowingTask,
  HeartbeatAnswer,
  TaskError,
  TaskMessage,
  TaskResult,
} from '../../runtime/api-contract/task-message';

/** What a task function of a test does: returns the output, or throws `TaskFailure`. */
export type TaskFunction = (task: TaskMessage, signal: AbortSignal) => unknown | Promise<unknown>;

export class TaskFailure extends Error {
  constructor(readonly error: TaskError) {
    super(error.message);
  }
}

/** How a task ended: what is reported of it, and the output whole. */
interface TaskEnd {
  readonly report: Partial<TaskResult>;
  readonly output?: unknown;
}

/** The tasks that follow one another in a message. */
interface Line {
  readonly stop: AbortController;
  /** Resolves when the reports before are stored. */
  readonly before: Promise<unknown>;
  /** Whether another worker may have the message, as it is known now. */
  readonly isAgain: () => boolean;
}

const retryMs = 100;

/** A worker of one task namespace over a bare NATS client: as the protocol says, and no more. */
export class BareWorker {
  /** Tasks in the order in which they began. */
  readonly begun: TaskMessage[] = [];
  private messages: ConsumerMessages | undefined;
  /** By the ids of the tasks that have begun, of messages that are held. */
  private readonly stops = new Map<string, AbortController>();
  private readonly canceled = new Set<string>();
  /** Messages up to this sequence may have been delivered before. */
  private askedTo = Number.POSITIVE_INFINITY;
  private readonly values: ObjectValueStore;

  private constructor(
    private readonly props: {
      readonly connection: NatsConnection;
      readonly namespace: string;
      readonly name: string;
      readonly tasks: { readonly [name: string]: TaskFunction };
      readonly onReported?: (task: TaskMessage, isSuccess: boolean) => void;
      readonly goesOn: boolean;
    },
  ) {
    this.values = new ObjectValueStore(props.connection, props.namespace);
  }

  static async start(
    connection: NatsConnection,
    options: {
      readonly namespace: string;
      readonly taskNamespace?: string;
      readonly name?: string;
      readonly tasks: { readonly [name: string]: TaskFunction };
      /** Called when the server has stored the result of a task, and those of the tasks before it in its message. */
      readonly onReported?: (task: TaskMessage, isSuccess: boolean) => void;
      /** Runs what follows in a message. */
      readonly goesOn?: boolean;
    },
  ): Promise<BareWorker> {
    const { namespace, taskNamespace = 'default', name = 'bare', tasks, onReported, goesOn = false } = options;
    const worker = new BareWorker({ connection, namespace, name, tasks, goesOn, ...(onReported && { onReported }) });
    const manager = await connection.jetstreamManager();
    await ensureTaskStreams(manager, namespace);
    await manager.consumers.add(taskStream(namespace), {
      durable_name: taskNamespace,
      ack_policy: AckPolicy.Explicit,
      filter_subject: taskNamespaceSubjects(namespace, taskNamespace),
      ack_wait: 15_000_000_000,
      max_ack_pending: 25_000,
      max_deliver: -1,
    });
    connection.subscribe(cancelSubject(namespace, taskNamespace), {
      callback: (_error, message) => worker.cancel(message.json<{ id: string }>().id),
    });
    await worker.connected(manager);
    void worker.watch(manager);
    const consumer = await connection.jetstream().consumers.get(taskStream(namespace), taskNamespace);
    worker.messages = await consumer.consume({ max_messages: 500, callback: (message) => void worker.take(message) });
    return worker;
  }

  /** A server that was killed may have forgotten what it has delivered. */
  private async connected(manager: JetStreamManager): Promise<void> {
    this.askedTo = Number.POSITIVE_INFINITY;
    this.askedTo = await this.persist(async () => {
      const { state } = await manager.streams.info(taskStream(this.props.namespace));
      return state.last_seq;
    });
  }

  private async watch(manager: JetStreamManager): Promise<void> {
    for await (const { type } of this.props.connection.status()) {
      if (type === 'disconnect') this.askedTo = Number.POSITIVE_INFINITY;
      else if (type === 'reconnect') this.connected(manager).catch(() => undefined); // closed
    }
  }

  /** Ends the worker and its connection; what it has not acked is delivered to another one. */
  async close(): Promise<void> {
    await this.messages?.close();
    await this.props.connection.close();
  }

  /** Names of the tasks that have begun. */
  get names(): readonly string[] {
    return this.begun.map(({ name }) => name);
  }

  /** Reports once more what was reported of a task. */
  async report(task: TaskMessage, result: Partial<TaskResult>, messageId = messageIdOf(task, result)): Promise<void> {
    const { connection, namespace, name } = this.props;
    const { id, token, execution } = task;
    const report = { v: 1, id, token, at: new Date().toISOString(), worker: name, ...result };
    const subject = resultSubject(namespace, execution);
    await connection.jetstream().publish(subject, JSON.stringify(report), { msgID: messageId });
  }

  private async take(message: JsMsg): Promise<void> {
    const { next = [], ...found } = message.json<TaskMessage>();
    const isAgain = () => message.redelivered || message.seq <= this.askedTo;
    const renewal = setInterval(() => message.working(), 5_000);
    try {
      const task = {
        ...found,
        input: await this.valueOf(found.input),
        parameters: await this.valueOf(found.parameters),
      };
      if (isAgain() && !(await this.isWanted(message, task))) return;
      if (task.wantsReceipt === true) await this.persist(() => this.report(task, { kind: 'receipt' }));
      const line = { stop: new AbortController(), before: Promise.resolve(), isAgain };
      await this.runLine(task, this.props.goesOn ? next : [], line);
      message.ack();
    } catch {
      // the connection is closed: another worker gets the task
    } finally {
      clearInterval(renewal);
    }
  }

  /** Runs a task and what follows it; resolves when all reports are stored. */
  private async runLine(task: TaskMessage, [next, ...others]: readonly FollowingTask[], line: Line): Promise<void> {
    const { stop, before, isAgain } = line;
    this.begun.push(task);
    this.stops.set(task.id, stop);
    try {
      const { output, report } = await this.resultOf(task, stop.signal);
      const isSuccess = report.kind === 'succeeded';
      const isWanted = next !== undefined && !stop.signal.aborted && !this.canceled.has(next.id);
      const goesOn = isSuccess && isWanted && !isAgain();
      const reported = this.persist(() => this.report(task, goesOn ? { ...report, continues: true } : report));
      const stored = Promise.all([before, reported]).then(() => this.props.onReported?.(task, isSuccess));
      if (!goesOn) {
        await stored;
        return;
      }
      const following = await this.following(task, next, output);
      await Promise.all([stored, this.runLine(following, others, { ...line, before: stored })]);
    } finally {
      this.stops.delete(task.id);
    }
  }

  private async following(before: TaskMessage, next: FollowingTask, input: unknown): Promise<TaskMessage> {
    const { v, execution, flow, sentAt } = before;
    return { v, execution, flow, sentAt, ...next, input, parameters: await this.valueOf(next.parameters) };
  }

  private cancel(id: string): void {
    this.canceled.add(id);
    this.stops.get(id)?.abort();
  }

  private valueOf(value: unknown): Promise<unknown> {
    return this.persist(() => this.values.get(value));
  }

  /** A request that the server may be away for. */
  private async persist<T>(request: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await request();
      } catch (error) {
        if (this.props.connection.isClosed()) throw error;
        await pause(retryMs);
      }
    }
  }

  /** Asks a controller about a task that another worker may have ended. */
  private async isWanted(message: JsMsg, { id, token }: TaskMessage): Promise<boolean> {
    const { connection, namespace } = this.props;
    try {
      const question = JSON.stringify({ v: 1, id, token, lease: 'begins' });
      const answer = await connection.request(heartbeatSubject(namespace), question, { timeout: 2_000 });
      const { isCanceled } = answer.json<HeartbeatAnswer>();
      if (isCanceled) message.ack();
      return !isCanceled;
    } catch {
      message.nak(1_000); // no controller is there for now
      return false;
    }
  }

  private async resultOf(task: TaskMessage, signal: AbortSignal): Promise<TaskEnd> {
    const run = this.props.tasks[task.task.split(':').slice(1).join(':')];
    if (run === undefined) {
      const error = { code: 'task-unknown', message: `no task ${task.task}`, isTerminal: true };
      return { report: { kind: 'failed', error } };
    }
    let output: unknown;
    try {
      output = await run(task, signal);
    } catch (error) {
      const failure = error instanceof TaskFailure ? error.error : { code: 'Error', message: (error as Error).message };
      return { report: { kind: 'failed', error: failure } };
    }
    const value = await this.persist(() => this.values.put(`${task.id}/output`, output));
    return { output, report: { kind: 'succeeded', output: value } };
  }
}

function messageIdOf({ id }: TaskMessage, result: Partial<TaskResult>): string {
  return `${id}/${'continues' in result ? 'continued' : result.kind}`;
}
