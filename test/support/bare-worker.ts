import { AckPolicy, type ConsumerMessages, type JsMsg, type NatsConnection } from 'nats';
import {
  cancelSubject,
  heartbeatSubject,
  resultSubject,
  taskNamespaceSubjects,
  taskStream,
} from '../../lib/plan/task-names';
import { ensureTaskStreams } from '../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { ObjectValueStore } from '../../runtime/adapters/jetstream/tasks/object-value-store';
import type { HeartbeatAnswer, TaskError, TaskMessage, TaskResult } from '../../runtime/api-contract/task-message';

/** What a task function of a test does: returns the output, or throws `TaskFailure`. */
export type TaskFunction = (task: TaskMessage, signal: AbortSignal) => unknown | Promise<unknown>;

export class TaskFailure extends Error {
  constructor(readonly error: TaskError) {
    super(error.message);
  }
}

/** A worker of one task namespace over a bare NATS client: as the protocol says, and no more. */
export class BareWorker {
  /** Tasks in the order in which they began. */
  readonly begun: TaskMessage[] = [];
  private messages: ConsumerMessages | undefined;
  private readonly stops = new Map<string, AbortController>();
  private readonly values: ObjectValueStore;

  private constructor(
    private readonly props: {
      readonly connection: NatsConnection;
      readonly namespace: string;
      readonly name: string;
      readonly tasks: { readonly [name: string]: TaskFunction };
      readonly onSuccess?: (task: TaskMessage) => void;
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
      /** Called when the server has stored the report of a success. */
      readonly onSuccess?: (task: TaskMessage) => void;
    },
  ): Promise<BareWorker> {
    const { namespace, taskNamespace = 'default', name = 'bare', tasks, onSuccess } = options;
    const worker = new BareWorker({ connection, namespace, name, tasks, ...(onSuccess && { onSuccess }) });
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
      callback: (_error, message) => worker.stops.get(message.json<{ id: string }>().id)?.abort(),
    });
    const consumer = await connection.jetstream().consumers.get(taskStream(namespace), taskNamespace);
    worker.messages = await consumer.consume({ max_messages: 500, callback: (message) => void worker.take(message) });
    return worker;
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
  async report(task: TaskMessage, result: Partial<TaskResult>, messageId = `${task.id}/${result.kind}`): Promise<void> {
    const { connection, namespace, name } = this.props;
    const { id, token, execution } = task;
    const report = { v: 1, id, token, at: new Date().toISOString(), worker: name, ...result };
    const subject = resultSubject(namespace, execution);
    await connection.jetstream().publish(subject, JSON.stringify(report), { msgID: messageId });
  }

  private async take(message: JsMsg): Promise<void> {
    const found = message.json<TaskMessage>();
    const { values } = this;
    const [input, parameters] = [await values.get(found.input), await values.get(found.parameters)];
    const task = { ...found, input, parameters };
    if (message.redelivered && !(await this.isWanted(message, task))) return;
    const run = this.props.tasks[task.task.split(':').slice(1).join(':')];
    this.begun.push(task);
    const stop = new AbortController();
    this.stops.set(task.id, stop);
    const renewal = setInterval(() => message.working(), 5_000);
    try {
      if (task.wantsReceipt === true) await this.report(task, { kind: 'receipt' });
      const result = await this.resultOf(run, task, stop.signal);
      await this.report(task, result);
      if (result.kind === 'succeeded') this.props.onSuccess?.(task);
      message.ack();
    } catch {
      // the connection is closed: another worker gets the task
    } finally {
      clearInterval(renewal);
      this.stops.delete(task.id);
    }
  }

  /** Asks a controller about a task that another worker may have ended. */
  private async isWanted(message: JsMsg, { id, token }: TaskMessage): Promise<boolean> {
    const { connection, namespace } = this.props;
    try {
      const question = JSON.stringify({ v: 1, id, token });
      const answer = await connection.request(heartbeatSubject(namespace), question, { timeout: 2_000 });
      const { isCanceled } = answer.json<HeartbeatAnswer>();
      if (isCanceled) message.ack();
      return !isCanceled;
    } catch {
      message.nak(1_000); // no controller is there for now
      return false;
    }
  }

  private async resultOf(
    run: TaskFunction | undefined,
    task: TaskMessage,
    signal: AbortSignal,
  ): Promise<Partial<TaskResult>> {
    if (run === undefined) {
      return { kind: 'failed', error: { code: 'task-unknown', message: `no task ${task.task}`, isTerminal: true } };
    }
    try {
      const output = await this.values.put(`${task.id}/output`, await run(task, signal));
      return { kind: 'succeeded', output };
    } catch (error) {
      const failure = error instanceof TaskFailure ? error.error : { code: 'Error', message: (error as Error).message };
      return { kind: 'failed', error: failure };
    }
  }
}
