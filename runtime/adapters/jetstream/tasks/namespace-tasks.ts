import {
  AckPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type KV,
  type Msg,
  type NatsConnection,
  NatsError,
  nanos,
} from 'nats';
import {
  cancelSubject,
  heartbeatSubject,
  parseTaskName,
  resultConsumer,
  resultStream,
  taskNoteBucket,
  taskStream,
  taskSubject,
  workerBucket,
} from '../../../../lib/plan/task-names';
import {
  type HeartbeatAnswer,
  heartbeatSchema,
  type TaskMessage,
  taskResultSchema,
  type WorkerEntry,
} from '../../../api-contract/task-message';
import { pause } from '../../../async/pause';
import type { SentTask, TaskReports, UnwantedTask, Withdrawal } from '../../../controller/executions/ports/task-bus';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { callServer, ignoreMissing, quickRequests, readServer } from '../retry-request';
import { ensureTaskConsumer, ensureTaskStreams } from './ensure-task-streams';
import { ObjectValueStore } from './object-value-store';
import { readWorkers } from './worker-directory';

/** Results that are pulled ahead, and unacked results over all controllers. */
const maxPulled = 1_000;
const maxAckPending = 20_000;
/** A result that is not with its execution after so long is delivered again. */
const ackWaitMs = 60_000;
const retryMs = 1_000;
/** nats' answer for a message that is not in its stream. */
const noMessage = 10_043;

export interface NamespaceTasksProps {
  readonly connection: NatsConnection;
  readonly namespace: string;
  readonly replicas: number;
  readonly onWarning: (text: string) => void;
}

/**
 * The tasks of one namespace.
 *
 * I1. A result is acked when it is with its execution, so it survives every controller.
 * I2. A task whose message was removed before its consumer got to it is never delivered.
 */
export class NamespaceTasks {
  /** Task namespaces whose consumers exist. */
  private readonly consumers = new Map<string, Promise<void>>();
  private readonly values: ObjectValueStore;

  private constructor(
    private readonly props: NamespaceTasksProps,
    private readonly manager: JetStreamManager,
    private readonly client: JetStreamClient,
    private readonly notes: KV,
  ) {
    this.values = new ObjectValueStore(props.connection, props.namespace);
  }

  static async open(props: NamespaceTasksProps): Promise<NamespaceTasks> {
    const { connection, namespace, replicas } = props;
    const manager = await managerOf(connection, quickRequests);
    await ensureTaskStreams(manager, namespace, replicas);
    const client = jetStreamOf(connection, quickRequests);
    const notes = await callServer(`bucket ${taskNoteBucket(namespace)}`, () =>
      client.views.kv(taskNoteBucket(namespace), { bindOnly: true }),
    );
    return new NamespaceTasks(props, manager, client, notes);
  }

  send(messages: readonly TaskMessage[]): Promise<readonly SentTask[]> {
    return Promise.all(messages.map((message) => this.sendOne(message)));
  }

  /** I2. */
  async withdraw({ id, task, sequence }: UnwantedTask): Promise<Withdrawal> {
    const { namespace, connection } = this.props;
    const stream = taskStream(namespace);
    const { taskNamespace } = parseTaskName(task);
    return callServer(`task ${id}`, async () => {
      const isRemoved = await this.manager.streams.deleteMessage(stream, sequence, false).catch(ignoreGone);
      const info = await ignoreMissing(this.manager.consumers.info(stream, taskNamespace));
      if (isRemoved && (info?.delivered.stream_seq ?? 0) < sequence) return 'withdrawn';
      await this.notes.put(stopKey(id), '1');
      connection.publish(cancelSubject(namespace, taskNamespace), JSON.stringify({ v: 1, id }));
      return 'told';
    });
  }

  workers(): Promise<readonly WorkerEntry[]> {
    const { connection, namespace } = this.props;
    return readServer(`bucket ${workerBucket(namespace)}`, () => readWorkers(connection, namespace));
  }

  /** Takes results and heartbeats until the signal is aborted; `begun` is called when they are taken. */
  async listen(reports: TaskReports, signal: AbortSignal, begun: () => void): Promise<void> {
    const { connection, namespace, onWarning } = this.props;
    const heartbeats = connection.subscribe(heartbeatSubject(namespace), {
      queue: resultConsumer,
      callback: (error, message) => {
        if (error === null) void this.answerHeartbeat(message, reports);
      },
    });
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        await this.ensureResultConsumer();
        const consumer = await this.client.consumers.get(resultStream(namespace), resultConsumer);
        const messages = await consumer.consume({ max_messages: maxPulled });
        const stop = () => messages.stop();
        signal.addEventListener('abort', stop, { once: true });
        if (isFirst) begun();
        for await (const message of messages) void this.takeResult(message, reports);
        signal.removeEventListener('abort', stop);
      } catch (error) {
        if (isFirst) throw error;
        if (!signal.aborted) onWarning(`cannot read results of ${namespace}: ${(error as Error).message}; retrying`);
      }
      await pause(retryMs, signal);
    }
    heartbeats.unsubscribe();
  }

  private async sendOne(message: TaskMessage): Promise<SentTask> {
    const { namespace } = this.props;
    const name = parseTaskName(message.task);
    const input = await this.values.put(`${message.id}/input`, message.input);
    return callServer(`task ${message.id}`, async () => {
      await this.consumerOf(name.taskNamespace);
      try {
        const payload = JSON.stringify({ ...message, input });
        const { seq } = await this.client.publish(taskSubject(namespace, name), payload, { msgID: message.id });
        return { sequence: seq };
      } catch (error) {
        this.consumers.clear(); // somebody may have removed the stream
        throw error;
      }
    });
  }

  private consumerOf(taskNamespace: string): Promise<void> {
    const known = this.consumers.get(taskNamespace);
    if (known !== undefined) return known;
    const { namespace, replicas } = this.props;
    const made = ensureTaskStreams(this.manager, namespace, replicas).then(() =>
      ensureTaskConsumer(this.manager, { namespace, taskNamespace }),
    );
    this.consumers.set(taskNamespace, made);
    made.catch(() => this.consumers.delete(taskNamespace));
    return made;
  }

  private async ensureResultConsumer(): Promise<void> {
    const { namespace, replicas } = this.props;
    await ensureTaskStreams(this.manager, namespace, replicas);
    await callServer(`consumer ${resultConsumer}`, () =>
      this.manager.consumers.add(resultStream(namespace), {
        durable_name: resultConsumer,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ackWaitMs),
        max_ack_pending: maxAckPending,
        max_deliver: -1,
      }),
    );
  }

  /** I1. */
  private async takeResult(message: JsMsg, reports: TaskReports): Promise<void> {
    const { namespace, onWarning } = this.props;
    const result = taskResultSchema.safeParse(jsonOf(message.data));
    if (!result.success) {
      onWarning(`${message.subject}: not a result of a task: ${result.error.issues[0]?.message ?? ''}`);
      message.term();
      return;
    }
    try {
      await reports.result(namespace, result.data);
      message.ack();
    } catch (error) {
      onWarning(`cannot pass a result of ${namespace} on: ${(error as Error).message}; retrying`);
      message.nak(retryMs);
    }
  }

  private async answerHeartbeat(message: Msg, reports: TaskReports): Promise<void> {
    const heartbeat = heartbeatSchema.safeParse(jsonOf(message.data));
    if (!heartbeat.success || !reports.isOwn(this.props.namespace, heartbeat.data)) {
      this.respond(message, { isCanceled: true });
      return;
    }
    const { id, progress } = heartbeat.data;
    try {
      const note = { at: new Date().toISOString(), ...(progress === undefined ? {} : { progress }) };
      await this.notes.put(beatKey(id), JSON.stringify(note));
      const stop = await readServer(`task ${id}`, () => this.notes.get(stopKey(id)));
      this.respond(message, { isCanceled: stop !== null });
    } catch (error) {
      this.props.onWarning(`cannot answer the heartbeat of ${id}: ${(error as Error).message}`);
    }
  }

  private respond(message: Msg, answer: HeartbeatAnswer): void {
    message.respond(JSON.stringify(answer));
  }
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined; // the schema refuses it
  }
}

/** Keys of buckets have no colons. */
function stopKey(id: string): string {
  return `stop/${id.replaceAll(':', '=')}`;
}

function beatKey(id: string): string {
  return `beat/${id.replaceAll(':', '=')}`;
}

function ignoreGone(error: unknown): boolean {
  if (error instanceof NatsError && error.api_error?.err_code === noMessage) return false;
  throw error;
}
