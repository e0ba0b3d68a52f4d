import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JetStreamManager, NatsConnection } from 'nats';
import { planFlow } from '../../../lib/plan/plan-flow';
import {
  cancelSubject,
  heartbeatSubject,
  parseTaskName,
  resultStream,
  resultSubject,
  taskSubject,
} from '../../../lib/plan/task-names';
import { formatProblem } from '../../../lib/topology/problem/problem';
import { readTopology } from '../../../lib/topology/read-topology';
import { ensureTaskConsumer, ensureTaskStreams } from '../../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { ObjectValueStore } from '../../../runtime/adapters/jetstream/tasks/object-value-store';
import {
  type Heartbeat,
  type TaskMessage,
  type TaskResult,
  taskResultSchema,
} from '../../../runtime/api-contract/task-message';
import { readEnvironment } from '../../../runtime/replica/environment';
import { runReplica } from '../../../runtime/replica/replica';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';

export interface RunningWorker {
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** A nats-server, the controller's side of the wire contract, and workers in this process. */
export class TaskPlace {
  readonly results: TaskResult[] = [];
  readonly heartbeats: Heartbeat[] = [];
  /** Ids of tasks that are not needed any more. */
  readonly unneeded = new Set<string>();
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-tasks-'));
  private readonly workers: RunningWorker[] = [];
  private started = 0;

  private constructor(readonly nats: JetStreamPlace) {}

  static async start(namespace = 'prod'): Promise<TaskPlace> {
    const place = new TaskPlace(await JetStreamPlace.start());
    await ensureTaskStreams(place.manager, namespace);
    place.listen(namespace);
    return place;
  }

  get connection(): NatsConnection {
    return this.nats.connection;
  }

  get manager(): JetStreamManager {
    return this.nats.manager;
  }

  /** Sends a task as a controller does, and returns its id. */
  async send(task: string, more: Partial<TaskMessage> = {}, namespace = 'prod'): Promise<string> {
    const execution = more.execution ?? `e${this.started++}`;
    const { attempt = 1, step = '1' } = more;
    const id = more.id ?? `${execution}/1/${step}/${attempt}`;
    const name = parseTaskName(task);
    const message: TaskMessage = {
      v: 1,
      id,
      token: `token of ${id}`,
      execution,
      step,
      task,
      name: task,
      attempt,
      sentAt: new Date().toISOString(),
      ...more,
    };
    await ensureTaskConsumer(this.manager, { namespace, taskNamespace: name.taskNamespace });
    await this.connection.jetstream().publish(taskSubject(namespace, name), JSON.stringify(message), { msgID: id });
    return id;
  }

  cancel(id: string, taskNamespace: string): void {
    this.unneeded.add(id);
    this.connection.publish(cancelSubject('prod', taskNamespace), JSON.stringify({ v: 1, id }));
  }

  /** Waits until a task has ended. */
  async resultOf(id: string): Promise<TaskResult> {
    const found = () => this.results.find((result) => result.id === id && result.kind !== 'receipt');
    await waitFor(`a result of ${id}`, () => found() !== undefined);
    return found() as TaskResult;
  }

  async outputOf(id: string): Promise<unknown> {
    const result = await this.resultOf(id);
    if (result.kind === 'succeeded') return result.output;
    throw new Error(JSON.stringify(result));
  }

  async errorOf(id: string): Promise<object> {
    const result = await this.resultOf(id);
    if (result.kind === 'failed') return result.error;
    throw new Error(JSON.stringify(result));
  }

  /** The claim of a value, as a controller sends it. */
  claimOf(value: unknown): Promise<unknown> {
    return new ObjectValueStore(this.connection, 'prod').put(`value-${this.started++}`, value);
  }

  /** The value of a claim. */
  valueOf(claim: unknown): Promise<unknown> {
    return new ObjectValueStore(this.connection, 'prod').get(claim);
  }

  /** Runs a worker of the task namespace; `meta` are settings of its function. */
  async work(taskNamespace: string, tasks: object, meta: object = {}): Promise<RunningWorker> {
    const document = {
      jobId: `${taskNamespace}-worker`,
      namespace: 'prod',
      dag: [{ id: taskNamespace, type: 'task-worker', tasks, meta }],
    };
    const { topology, problems } = readTopology(JSON.stringify(document), { file: 'worker.json', defaultJobId: 'w' });
    const spec = topology && planFlow(topology, {}).workloads[0]?.spec;
    if (spec === undefined) throw new Error(problems.map(formatProblem).join('\n'));
    const specFile = path.join(this.folder, `spec-${this.workers.length}.json`);
    writeFileSync(specFile, JSON.stringify(spec));
    const environment = readEnvironment({
      ...process.env,
      KFLOW_SPEC: specFile,
      KFLOW_NATS_URL: this.nats.url,
      KFLOW_BASE_DIR: this.folder,
      KFLOW_REPLICA: String(this.workers.length),
      KFLOW_SHUTDOWN_TIMEOUT: '1',
    });
    const stop = new AbortController();
    const log: string[] = [];
    const ended = runReplica(spec, environment, (level, text) => log.push(`${level} ${text}`), stop.signal);
    const worker = {
      log,
      stop: async () => {
        stop.abort();
        await ended;
      },
    };
    this.workers.push(worker);
    await Promise.race([ended, waitFor('the worker', () => log.some((line) => line.includes('started, process')))]);
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await this.nats.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private listen(namespace: string): void {
    this.connection.subscribe(resultSubject(namespace, '*'), {
      callback: (_error, { data }) =>
        void this.results.push(taskResultSchema.parse(JSON.parse(Buffer.from(data).toString()))),
    });
    this.connection.subscribe(heartbeatSubject(namespace), {
      callback: (_error, message) => {
        const heartbeat = message.json<Heartbeat>();
        this.heartbeats.push(heartbeat);
        const hasEnded = this.results.some(({ id, kind }) => id === heartbeat.id && kind !== 'receipt');
        message.respond(JSON.stringify({ isCanceled: hasEnded || this.unneeded.has(heartbeat.id) }));
      },
    });
  }

  /** How many results the stream has stored. */
  storedResults(namespace = 'prod'): Promise<number> {
    return this.nats.count(resultStream(namespace));
  }
}
