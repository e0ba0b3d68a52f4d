import {
  headers,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type KV,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from 'nats';
import { FunctionError } from '../../../../lib/errors';
import { isPlainMap } from '../../../../lib/plain-map';
import {
  cancelSubject,
  heartbeatSubject,
  parseTaskName,
  resultConsumer,
  resultStream,
  resultSubject,
  sharedBucket,
  taskNoteBucket,
  taskStream,
  taskSubject,
  workerBucket,
} from '../../../../lib/plan/task-names';
import {
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatSchema,
  type TaskMessage,
  taskResultSchema,
  type WorkerEntry,
} from '../../../api-contract/task-message';
import type {
  MalformedResult,
  SentTask,
  TaskBeat,
  TaskReports,
  UnwantedTask,
  Withdrawal,
} from '../../../controller/executions/ports/task-bus';
import { namedTrace } from '../../../engine/trace/trace-context';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { callServer, ignoreMissing, quickRequests, readServer } from '../retry-request';
import { consumeDurable, redeliverMs } from './consume-durable';
import { ensureTaskConsumer, ensureTaskStreams } from './ensure-task-streams';
import { removeMessage } from './remove-message';
import { areResultsTaken } from './results-taken';
import { ServerRestart } from './server-restart';
import { readWorkers } from './worker-directory';

/** Shorter than a worker waits for an answer. */
const takenMs = 1_500;

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
 * I3. A worker that asks whether to begin a task is answered after the results that were stored before are with the execution.
 * I4. A task whose result is stored is not sent again: a controller that was killed has sent it, and nats may have forgotten that.
 */
export class NamespaceTasks {
  /** Task namespaces whose consumers exist. */
  private readonly consumers = new Map<string, Promise<void>>();

  private constructor(
    private readonly props: NamespaceTasksProps,
    private readonly manager: JetStreamManager,
    private readonly client: JetStreamClient,
    private readonly notes: KV,
    private readonly restart: ServerRestart,
  ) {}

  static async open(props: NamespaceTasksProps): Promise<NamespaceTasks> {
    const { connection, namespace, replicas } = props;
    const manager = await managerOf(connection, quickRequests);
    await ensureTaskStreams(manager, namespace, replicas);
    const client = jetStreamOf(connection, quickRequests);
    const [notes, shared] = await Promise.all(
      [taskNoteBucket(namespace), sharedBucket(namespace)].map((name) =>
        callServer(`bucket ${name}`, () => client.views.kv(name, { bindOnly: true })),
      ),
    );
    if (notes === undefined || shared === undefined) throw new Error('a bucket is missing');
    return new NamespaceTasks(props, manager, client, notes, await ServerRestart.of(connection, shared));
  }

  /** I4. */
  async reported(execution: string): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    if (!this.restart.isRecent) return ids;
    const { namespace } = this.props;
    const stream = resultStream(namespace);
    const subject = resultSubject(namespace, execution);
    for (let seq = 1; ; ) {
      const query = { seq, next_by_subj: subject };
      const found = await readServer(`stream ${stream}`, () =>
        ignoreMissing(this.manager.streams.getMessage(stream, query)),
      );
      if (found === undefined) return ids;
      const { data: result } = taskResultSchema.safeParse(jsonOf(found.data));
      if (result !== undefined && result.kind !== 'receipt') ids.add(result.id);
      seq = found.seq + 1;
    }
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
      if (sequence !== undefined) {
        const isRemoved = await removeMessage(this.manager, stream, sequence);
        const info = await ignoreMissing(this.manager.consumers.info(stream, taskNamespace));
        if (isRemoved && (info?.delivered.stream_seq ?? 0) < sequence) return 'withdrawn';
      }
      connection.publish(cancelSubject(namespace, taskNamespace), JSON.stringify({ v: 1, id }));
      return 'told';
    });
  }

  async lastHeartbeat(id: string): Promise<TaskBeat | undefined> {
    const note = await readServer(`task ${id}`, () => this.notes.get(noteKey('beat', id)));
    if (note?.operation !== 'PUT') return undefined;
    const { at, ...beat } = note.json<{ readonly at: string; readonly progress?: unknown }>();
    return { ...beat, atMs: Date.parse(at) };
  }

  workers(): Promise<readonly WorkerEntry[]> {
    const { connection, namespace } = this.props;
    return readServer(`bucket ${workerBucket(namespace)}`, () => readWorkers(connection, namespace));
  }

  /** Takes results and heartbeats until the signal is aborted; `begun` is called when they are taken. */
  async listen(reports: TaskReports, signal: AbortSignal, begun: () => void): Promise<void> {
    const { connection, namespace } = this.props;
    const heartbeats = connection.subscribe(heartbeatSubject(namespace), {
      queue: resultConsumer,
      callback: (error, message) => {
        if (error === null) void this.answerHeartbeat(message, reports);
      },
    });
    const { manager, client } = this;
    const { replicas, onWarning } = this.props;
    const ensureStream = () => ensureTaskStreams(manager, namespace, replicas);
    const config = { durable_name: resultConsumer };
    const consumer = { manager, client, stream: resultStream(namespace), config, ensureStream, onWarning };
    await consumeDurable(consumer, { signal, begun, take: (message) => this.takeResult(message, reports) });
    heartbeats.unsubscribe();
  }

  private async sendOne(message: TaskMessage): Promise<SentTask> {
    const { namespace } = this.props;
    const name = parseTaskName(message.task);
    const payload = JSON.stringify(message);
    this.assertSendable(message.id, payload);
    return callServer(`task ${message.id}`, async () => {
      await this.consumerOf(name.taskNamespace);
      try {
        const options = { msgID: message.id, headers: this.headersOf(message) };
        const { seq } = await this.client.publish(taskSubject(namespace, name), payload, options);
        return { sequence: seq };
      } catch (error) {
        this.consumers.clear(); // somebody may have removed the stream
        throw error;
      }
    });
  }

  /** The tasks of one run of an execution are in one trace. */
  private headersOf({ id, execution }: TaskMessage): MsgHdrs {
    const [, run] = id.slice(execution.length).split('/');
    const { traceparent } = namedTrace(`${this.props.namespace}/${execution}/${run}`, id);
    const made = headers();
    made.set('traceparent', traceparent);
    return made;
  }

  /** Throws FunctionError `payload-too-large` for a message that the server never takes. */
  private assertSendable(id: string, payload: string): void {
    const bytes = Buffer.byteLength(payload);
    const limit = this.props.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes <= limit) return;
    throw new FunctionError('payload-too-large', `task ${id}: ${bytes} bytes, limit of the nats server is ${limit}`);
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

  /** I1. */
  private async takeResult(message: JsMsg, reports: TaskReports): Promise<void> {
    const { namespace, onWarning } = this.props;
    const result = taskResultSchema.safeParse(jsonOf(message.data));
    try {
      if (result.success) await reports.result(namespace, result.data);
      else {
        const malformed = malformedOf(message, faultOf(result.error.issues));
        const isKnown = await reports.malformed(namespace, malformed);
        onWarning(`${message.subject}: ${malformed.fault}${isKnown ? '; its step fails' : '; removed'}`);
      }
      message.ack();
    } catch (error) {
      onWarning(`cannot pass a result of ${namespace} on: ${(error as Error).message}; retrying`);
      message.nak(redeliverMs);
    }
  }

  private async answerHeartbeat(message: Msg, reports: TaskReports): Promise<void> {
    const { data: heartbeat } = heartbeatSchema.safeParse(jsonOf(message.data));
    const { namespace, onWarning } = this.props;
    try {
      if (heartbeat?.lease === 'begins' && !(await this.areResultsTaken(heartbeat, reports))) return; // I3
      const isWanted = heartbeat !== undefined && (await reports.isWanted(namespace, heartbeat));
      this.respond(message, isWanted ? await this.noted(heartbeat) : { isCanceled: true });
    } catch (error) {
      onWarning(`cannot answer a heartbeat of ${namespace}: ${(error as Error).message}`);
    }
  }

  private async areResultsTaken({ id }: Heartbeat, reports: TaskReports): Promise<boolean> {
    const [execution = ''] = id.split('/');
    const key = { namespace: this.props.namespace, execution };
    await reports.confirm(key);
    return areResultsTaken(this.manager, key, takenMs);
  }

  private async noted({ id, progress, lease }: Heartbeat): Promise<HeartbeatAnswer> {
    const note = { at: new Date().toISOString(), ...(progress === undefined ? {} : { progress }) };
    await this.notes.put(noteKey('beat', id), JSON.stringify(note));
    if (lease === undefined) return { isCanceled: false };
    const key = noteKey('begun', id);
    const known = await this.notes.get(key);
    const begun = Math.max(0, Number(known?.string() ?? 0) + (lease === 'begins' ? 1 : -1));
    await this.notes.put(key, String(begun));
    return { isCanceled: false, begun };
  }

  private respond(message: Msg, answer: HeartbeatAnswer): void {
    message.respond(JSON.stringify(answer));
  }
}

/** The ids are in the message, and in the id of the message, which is `<id>/<kind>`. */
function malformedOf(message: JsMsg, fault: string): MalformedResult {
  const body = jsonOf(message.data);
  const { id, token } = isPlainMap(body) ? body : {};
  const messageId = message.headers?.get('Nats-Msg-Id').replace(/\/[a-z]*$/, '');
  return {
    execution: message.subject.slice(message.subject.lastIndexOf('.') + 1),
    ...(typeof token === 'string' ? { token } : {}),
    ids: [id, messageId].filter((each) => typeof each === 'string'),
    fault,
  };
}

function faultOf([first]: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const place = first?.path.map((part) => `${String(part)}: `).join('') ?? '';
  return `not a result of docs/task-protocol.md: ${place}${first?.message}`;
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined; // the schema refuses it
  }
}

/** Keys of buckets have no colons. */
function noteKey(kind: 'beat' | 'begun', id: string): string {
  return `${kind}/${id.replaceAll(':', '=')}`;
}
