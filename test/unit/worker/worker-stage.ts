import type {
  Heartbeat,
  HeartbeatAnswer,
  TaskMessage,
  TaskResult,
  WorkerEntry,
} from '../../../runtime/api-contract/task-message';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import type { HostEvents } from '../../../runtime/engine/ports/host';
import type { WorkerSpec } from '../../../runtime/worker/loop-spec';
import type { TaskLinks } from '../../../runtime/worker/ports/task-links';
import { encodeJson } from '../../../runtime/worker/task-calls';
import { TaskWorker } from '../../../runtime/worker/task-worker';
import { ManualHost, ManualPublisher, ManualSource } from '../../support/engine-ports';
import { planOf, specOf } from '../plan/planned';

const plan = planOf(`
jobId: mail-worker
dag:
  - id: mail
    type: task-worker
    tasks:
      send: { language: typescript, code: 'export const send = () => 1;' }
`);

/** The links of a worker of the task namespace `mail`, which the test answers. */
export class LinksStage {
  readonly source = new ManualSource('tasks');
  readonly publisher = new ManualPublisher();
  readonly heartbeats: Heartbeat[] = [];
  readonly entries: WorkerEntry[] = [];
  readonly logs: string[] = [];
  /** What a controller answers; undefined: none does. */
  answer: HeartbeatAnswer | undefined = { isCanceled: false };
  others: readonly WorkerEntry[] = [];
  /** Loads and stores of values wait for these. */
  loading: Promise<unknown> | undefined;
  storing: Promise<unknown> | undefined;
  readonly links: TaskLinks = {
    deliveries: this.source,
    publisher: this.publisher,
    values: {
      put: async (_key, value) => {
        await this.storing;
        return value;
      },
      get: async (value) => (await this.loading) ?? value,
    },
    directory: {
      announce: async (entry) => void this.entries.push(entry),
      withdraw: async () => undefined,
      recent: async () => this.others,
    },
    heartbeat: async (heartbeat) => {
      this.heartbeats.push(heartbeat);
      return this.answer;
    },
    onCancel: (listener) => {
      this.onCancel = listener;
    },
  };
  private onCancel: (id: string) => void = () => undefined;

  readonly log = (level: string, text: string) => void this.logs.push(`${level} ${text}`);

  /** Delivers a task; returns the answers to its message. */
  deliver(
    more: Partial<TaskMessage> | { readonly v: number } = {},
    delivery: Partial<Pick<Delivery, 'deliveries' | 'isRepeated'>> = {},
  ): string[] {
    const message = {
      v: 1,
      id: 'e/1/1/1',
      token: 't',
      execution: 'e',
      step: '1',
      task: 'mail:send',
      name: 'mail:send',
      attempt: 1,
      sentAt: new Date().toISOString(),
      ...more,
    };
    return this.source.deliver(1, { ...delivery, payload: Buffer.from(JSON.stringify(message)) });
  }

  cancel(id = 'e/1/1/1'): void {
    this.onCancel(id);
  }

  /** Results that were published, in order. */
  get results(): readonly TaskResult[] {
    return this.publisher.sent.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as TaskResult);
  }
}

/** A task worker of `mail:send` between links that the test answers. */
export class WorkerStage extends LinksStage {
  readonly broken: Error[] = [];
  readonly host = new ManualHost();
  readonly worker: TaskWorker;
  private events: HostEvents | undefined;

  constructor() {
    super();
    this.worker = new TaskWorker({
      spec: specOf(plan, 'mail') as WorkerSpec,
      worker: 'one',
      version: '1',
      links: this.links,
      createHost: (_spec, events) => {
        this.events = events;
        return this.host;
      },
      counters: { in: 0, out: 0, failed: 0, dead: 0, lastFailure: undefined },
      log: this.log,
    });
  }

  start(): Promise<void> {
    return this.worker.start((cause) => this.broken.push(cause));
  }

  /** The code of the task that was handed over last returns. */
  returns(output: unknown): void {
    this.writes(JSON.stringify({ output }));
    this.events?.done(this.record);
  }

  /** It throws. */
  fails(): void {
    this.events?.failed(this.record, { type: 'Broken', message: 'it broke' });
  }

  /** It writes a text, as its output or as the progress of a heartbeat. */
  writes(json: string, side = ''): void {
    void this.events?.output(this.record, encodeJson(json), side);
  }

  private get record(): number {
    const record = this.host.records.at(-1);
    if (record === undefined) throw new Error('no task was handed over');
    return record.id;
  }
}
