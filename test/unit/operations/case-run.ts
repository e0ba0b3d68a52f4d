import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  Consumer,
  type Delivery,
  DummyTransport,
  type EntrypointClass,
  type Fields,
  Message,
  Operation,
  OperationError,
  OperationRegistry,
  Producer,
  Result,
  type ResultFields,
  Task,
  type TaskLogFields,
  type TaskProps,
  type TaskStatus,
  type Transport,
  TransportError,
} from '../../../runtime/operations';
import { useLog } from '../../../runtime/operations/observe/task-log';
import { useMetrics } from '../../../runtime/operations/observe/task-metrics';

type RunSpec = Partial<ResultFields> & { readonly throws?: string; readonly code?: number };

interface ClassSpec {
  readonly path?: string;
  readonly topic?: string;
  readonly requires?: readonly string[];
  readonly params?: Fields;
  readonly metadata?: Fields;
  readonly run?: RunSpec;
  /** One a run. */
  readonly runs?: readonly RunSpec[];
  /** Texts of errors, by the hook that throws them. */
  readonly hooks?: { readonly [hook: string]: string };
  readonly tasks?: readonly string[];
  readonly children?: readonly string[];
  readonly prebuild?: Fields;
}

interface Step {
  readonly [kind: string]: unknown;
  readonly uuid?: string;
  readonly params?: Fields;
  readonly times?: number;
  readonly text?: string;
  readonly tasks?: readonly {
    readonly class: string;
    readonly status?: TaskStatus;
    readonly result?: Partial<ResultFields>;
  }[];
  readonly work?: readonly {
    readonly worker?: string;
    readonly classes?: readonly string[];
    readonly topics?: readonly string[];
  }[];
  readonly diesBeforeAck?: boolean;
  /** The first consumer that publishes a result is gone before it is published. */
  readonly losesResults?: boolean;
  /** How many consumers have died of each message. */
  readonly deaths?: number;
}

export interface Case {
  readonly name: string;
  readonly classes: { readonly [name: string]: ClassSpec };
  readonly do: readonly Step[];
  readonly expect: { readonly [seen: string]: unknown };
}

const topic = 'work';

/** Runs one of the cases that both languages share, and keeps what can be seen of it. */
export class CaseRun {
  readonly results: Result[] = [];
  readonly hooks: string[] = [];
  readonly ran: string[] = [];
  readonly ranBy: string[] = [];
  readonly statuses: string[] = [];
  readonly logs: string[] = [];
  readonly raw: string[] = [];
  readonly inputs: { [name: string]: Fields } = {};
  readonly buildParams: Fields[] = [];
  readonly metrics: { [name: string]: { [count: string]: number } } = {};
  readonly ids: string[] = [];
  next: unknown[] = [];
  data: unknown;
  private worker = 'w1';
  private readonly transport = new DummyTransport();
  private readonly registry = new OperationRegistry();
  private readonly classes = new Map<string, EntrypointClass<Task>>();
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kflow-flags-'));

  constructor(private readonly spec: Case) {
    useLog((level, line, fields) => this.logged(`${level} ${line}`, fields));
    const count = (name: string, what: string) => {
      this.metrics[name] = { ...this.metrics[name], [what]: (this.metrics[name]?.[what] ?? 0) + 1 };
    };
    useMetrics({ started: (name) => count(name, 'started'), ended: count });
    for (const [name, each] of Object.entries(spec.classes)) {
      const kind = each.tasks === undefined && each.run === undefined && each.runs === undefined ? 'operation' : 'task';
      this.classes.set(name, kind === 'operation' || each.tasks ? this.operation(name, each) : this.task(name, each));
    }
    for (const kind of this.classes.values()) this.registry.subscribe(kind);
  }

  async run(): Promise<void> {
    try {
      for (const step of this.spec.do) await this.step(step);
    } finally {
      rmSync(this.folder, { recursive: true });
    }
  }

  get events(): readonly unknown[] {
    return (this.transport.results.get(topic) ?? []).map((text) => JSON.parse(text));
  }

  get waiting(): number {
    return this.transport.waiting(topic).length;
  }

  private async step(step: Step): Promise<void> {
    const { params = {}, uuid } = step;
    const props = { params, ...(uuid === undefined ? {} : { uuid }) };
    if ('receive' in step) {
      const raw = typeof step.receive === 'string' ? step.receive : JSON.stringify(step.receive);
      this.results.push(await this.registry.controller.run(raw));
    } else if ('execute' in step) {
      const task = this.made(String(step.execute), step, props);
      for (let time = 0; time < (step.times ?? 1); time += 1) this.results.push(await task.execute());
    } else if ('build' in step) {
      this.results.push(await this.built(String(step.build), params));
    } else if ('launch' in step) {
      const operation = this.made(String(step.launch), step, props) as Operation;
      Object.assign(operation, { producer: this.producer, topic });
      this.results.push(await operation.launch());
    } else if ('next' in step) {
      const operation = this.made(String(step.next), step, props) as Operation;
      this.next = operation.tasks.map((task) => operation.next(task)?.constructor.name ?? null);
    } else if ('limit' in step) {
      this.transport.maxBytes = Number(step.limit);
    } else if ('away' in step) {
      this.transport.isAway = true;
    } else if ('send' in step) {
      this.results.push(await this.producer.send(topic, messageOf(step.send)));
    } else if ('bulk' in step) {
      this.results.push(await this.producer.bulkSend(topic, (step.bulk as unknown[]).map(messageOf)));
    } else if ('subscribe' in step) {
      this.results.push(this.subscribed(step.subscribe));
    } else if ('log' in step) {
      this.made(String(step.log), step, props).log(step.text ?? '');
    } else await this.work(step);
  }

  private async built(name: string, params: Fields): Promise<Result> {
    try {
      const kind = this.classes.get(name) as unknown as typeof Operation;
      return new Result({ retval: { tasks: (await kind.build(params)).tasks.length } });
    } catch (error) {
      return Result.fromException(error);
    }
  }

  private subscribed(name: unknown): Result {
    try {
      const kind = name === null ? (Date as unknown as EntrypointClass) : this.classes.get(String(name));
      return new Result({ stdout: kind === undefined ? '' : this.registry.subscribe(kind).name });
    } catch (error) {
      return Result.fromException(error);
    }
  }

  /** Workers take messages in turn until there are none. */
  private async work({ work = [], diesBeforeAck = false, losesResults = false, deaths = 0 }: Step): Promise<void> {
    const transport = recording(this.transport, this.ids, { diesBeforeAck, losesResults, deaths });
    const workers = work.map(({ worker = 'w1', classes, topics = [topic] }) => {
      const consumer = new Consumer([...topics] as [string], { config: { KFLOW_LOCK_PATH: this.folder }, transport });
      const registry = new OperationRegistry();
      for (const name of classes ?? this.classes.keys()) registry.subscribe(this.class(name));
      consumer.registry = registry.controller;
      return { worker, consumer };
    });
    for (let idle = 0; idle < workers.length; ) {
      for (const { worker, consumer } of workers) {
        this.worker = worker;
        idle = (await consumer.runNext(0)) ? 0 : idle + 1;
      }
    }
  }

  private get producer(): Producer {
    return new Producer({ transport: this.transport });
  }

  private class(name: string): EntrypointClass<Task> {
    const kind = this.classes.get(name);
    if (kind === undefined) throw new Error(`no class ${name}`);
    return kind;
  }

  private made(name: string, { tasks }: Step, props: TaskProps): Task {
    const made = tasks?.map(({ class: each, status, result }) => {
      const stored = result === undefined ? {} : { result: new Result(result) };
      return new (this.class(each))({ ...(status === undefined ? {} : { status }), ...stored });
    });
    return new (this.class(name))({ ...props, ...(made === undefined ? {} : { tasks: made }) });
  }

  private task(name: string, spec: ClassSpec): EntrypointClass<Task> {
    const seen = this;
    const hook = (at: string) => {
      seen.hooks.push(`${name}.${at}`);
      if (spec.hooks?.[at] !== undefined) throw new Error(spec.hooks[at]);
    };
    let runs = 0;
    const kind = class extends Task {
      static override readonly module = 'm';
      static override readonly requiredFields = spec.requires ?? [];

      constructor(props: TaskProps = {}) {
        const [params, metadata] = [
          { ...long(spec.params), ...props.params },
          { ...spec.metadata, ...props.metadata },
        ];
        super({ ...props, params, metadata });
      }
      override postinit() {
        hook('postinit');
      }
      override prerun() {
        hook('prerun');
      }
      override run(): Result {
        hook('run');
        seen.ran.push(name);
        seen.ranBy.push(`${seen.worker}:${name}`);
        seen.inputs[name] = this.result.retval;
        return resultOf(this.uuid, spec.runs?.[runs++] ?? spec.run ?? {});
      }
      override postrun() {
        hook('postrun');
      }
      override onsuccess(result: Result) {
        hook('onsuccess');
        return result;
      }
      override onerror(result: Result) {
        hook('onerror');
        return result;
      }
    };
    return named(kind, name, spec);
  }

  private operation(name: string, spec: ClassSpec): EntrypointClass<Operation> {
    const seen = this;
    const kind = class extends Operation {
      static override readonly module = 'm';
      static override readonly requiredFields = spec.requires ?? [];
      static override readonly tasks = (spec.children ?? []).map((child) => seen.class(child));

      override prebuild(): Fields | undefined {
        return spec.prebuild;
      }
      override buildTasks(params: Fields) {
        seen.buildParams.push(params);
        return (spec.tasks ?? []).map((each) => new (seen.class(each))());
      }
      override setStatus(status: TaskStatus, result?: Result) {
        seen.statuses.push(`${this.status}->${status}`);
        return super.setStatus(status, result);
      }
    };
    return named(kind, name, spec);
  }

  private logged(line: string, { kmsg, raw }: TaskLogFields): void {
    this.logs.push(line);
    this.data = kmsg;
    if (raw !== undefined) this.raw.push(raw);
  }
}

function named<Kind extends object>(kind: Kind, name: string, { path: own, topic: to }: ClassSpec): Kind {
  Object.defineProperty(kind, 'name', { value: name });
  return Object.assign(kind, own === undefined ? {} : { path: own }, to === undefined ? {} : { topic: to });
}

function messageOf(fields: unknown): Message {
  return Message.parse(JSON.stringify(fields));
}

function resultOf(uuid: string, { throws, code, ...result }: RunSpec): Result {
  if (throws === undefined) return new Result({ uuid, ...result, retval: long(result.retval) });
  throw code === undefined ? new Error(throws) : new OperationError(throws, { code });
}

/** A number of characters in place of `long`, and what is no JSON in place of `odd`. */
function long(fields: Fields = {}): Fields {
  if (fields.odd === true) return { ...fields, odd: 1n };
  return typeof fields.long === 'number' ? { ...fields, long: 'x'.repeat(fields.long) } : fields;
}

interface Deaths {
  /** The first consumer of each message is gone before its ack. */
  readonly diesBeforeAck: boolean;
  readonly losesResults: boolean;
  readonly deaths: number;
}

/** Notes the ids of messages. */
function recording(transport: DummyTransport, ids: string[], deathsOf: Deaths): Transport {
  const { diesBeforeAck, losesResults, deaths } = deathsOf;
  const lost = new Set<string | undefined>();
  return {
    publish: async (to, payload, id) => {
      if (id !== undefined && !id.endsWith('/end') && !ids.includes(id)) ids.push(id);
      await transport.publish(to, payload, id);
    },
    publishResult: async (to, payload, id) => {
      if (losesResults && !lost.has(id)) {
        lost.add(id);
        throw new TransportError('the consumer is gone');
      }
      await transport.publishResult(to, payload, id);
    },
    next: async (topics): Promise<Delivery | undefined> => {
      const delivery = await transport.next(topics);
      if (delivery === undefined) return undefined;
      const dies = diesBeforeAck && delivery.deliveries === 1;
      const ack = () => (dies ? delivery.release() : delivery.ack());
      return { ...delivery, deliveries: delivery.deliveries + deaths, ack };
    },
    load: (key) => transport.load(key),
    save: (key, stored) => transport.save(key, stored),
    close: async () => undefined,
  };
}
