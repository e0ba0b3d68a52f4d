import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { jsonText } from '../../lib/json-text';
import { timing } from '../../lib/plan/replica-lifecycle';
import { openTaskLinks } from '../adapters/jetstream/tasks/open-task-links';
import { TaskErrorCode } from '../api-contract/task-error-code';
import { anyTask, type TaskError } from '../api-contract/task-message';
import { atMost } from '../async/at-most';
import type { LogLevel } from '../engine/ports/host';
import type { TaskLinks } from '../worker/ports/task-links';
import type { RunningTask } from '../worker/running-task';
import type { TaskValues } from '../worker/task-calls';
import { TaskHeartbeats } from '../worker/task-heartbeats';
import { TaskIntake } from '../worker/task-intake';
import { TaskResults } from '../worker/task-results';
import { WorkerAnnouncer } from '../worker/worker-announcer';
import { writeLog } from './observe/task-log';
import { natsOf } from './transport/open-transport';

/** What a listener gets: one attempt of a step. */
export interface StartTaskEvent {
  readonly kind: 'start-task';
  /** Id of the execution. */
  readonly workflow: string;
  readonly name: string;
  /** The task after aliases. */
  readonly base: string;
  readonly index: string;
  readonly attempt: number;
  readonly parameters: unknown;
  readonly input?: unknown;
}

/** What a listener sends: that it processes an event, and the end of a task. */
export type TaskEvent =
  | { readonly kind: 'receipt'; readonly for: string; readonly action: 'processed' }
  | {
      readonly kind: 'end-task';
      readonly workflow: string;
      readonly index: string;
      /** Any other than SUCCESS, the default, is a failure, and its code. */
      readonly status?: string;
      readonly reason?: string;
      readonly output?: unknown;
    };

export interface EventListenerProps {
  /** Kinds of events; only `start-task`. */
  readonly select?: readonly string[];
  /** Of nats; default: KFLOW_NATS_URL and the other variables of consumers. */
  readonly host?: string;
  /** Default: 4222. */
  readonly port?: number;
}

/** The event that says that an event is being processed. */
export function receiptFor(eventId: string): TaskEvent {
  return { kind: 'receipt', for: eventId, action: 'processed' };
}

/** The event with its kind. */
export function message<Event extends object, Kind extends string>(
  event: Event,
  kind: Kind,
): Event & { readonly kind: Kind } {
  return { ...event, kind };
}

/** Tasks that may have begun and not ended. */
const mostHeld = 100;
/** A task of another listener is given back for so long. */
const otherMs = 1_000;

/**
 * Takes the `start-task` events of a task namespace, and calls `process` with one after the other. A subclass reports the result
 * with `append`, at once or later.
 *
 * I1. A task is acked after its `end-task` is stored: one that nobody ends is delivered to another listener when this one is gone.
 */
export abstract class EventListener {
  private readonly held = new Map<string, RunningTask>();
  private intake: TaskIntake | undefined;
  private results: TaskResults | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private isInterrupted = false;

  /**
   * `group` is the task namespace; all listeners with the same share its tasks. `key` has no effect. Throws TypeError for another
   * kind than `start-task`.
   */
  constructor(
    readonly key: string,
    private readonly group: string,
    private readonly props: EventListenerProps = {},
  ) {
    const others = (props.select ?? []).filter((kind) => kind !== 'start-task');
    if (others.length > 0) throw new TypeError(`EventListener: want the kind start-task, got ${others.join(', ')}`);
  }

  /** Processes an event. False: the task is none of this listener, and goes to another one. What is thrown fails the task. */
  abstract process(eventId: string, event: StartTaskEvent): boolean | Promise<boolean>;

  /** Sends an event, and resolves when it is stored. An `end-task` of a task that has ended has no effect. */
  async append(event: TaskEvent): Promise<void> {
    if (event.kind === 'receipt') {
      const task = [...this.held.values()].find(({ id }) => id === event.for);
      if (task !== undefined) await this.results?.receipt(task);
      return;
    }
    const task = this.taken(placeOf(event.workflow, event.index));
    if (task !== undefined) await this.end(task, errorOf(event), event.output);
  }

  /**
   * Takes events until `stop`, SIGTERM or SIGINT. Rejects when nats cannot be reached. A signal ends the process when `process`
   * does not return within the grace period.
   */
  async listen(): Promise<void> {
    const { host, port = 4222 } = this.props;
    const access = natsOf(process.env);
    const place = {
      namespace: process.env.KFLOW_NAMESPACE || 'default',
      taskNamespace: this.group,
      worker: workerName(),
    };
    const { links, close } = await openTaskLinks(
      host === undefined ? access : { ...access, url: `nats://${host}:${port}` },
      place,
      (text) => writeLog('WARNING', text),
    );
    const intake = this.intakeOf(links, place);
    const announcer = new WorkerAnnouncer({
      directory: links.directory,
      log,
      entry: () => ({
        worker: place.worker,
        taskNamespace: this.group,
        tasks: { [anyTask]: {} },
        language: 'typescript',
        slots: mostHeld,
        running: intake.size,
      }),
    });
    let isIdle = true;
    try {
      await announcer.start();
      isIdle = await this.listenWith(intake);
      await announcer.stop();
      await links.settled();
    } finally {
      await close();
    }
    if (!isIdle && this.isInterrupted) process.exit();
  }

  /**
   * Ends `listen` after the current event, or after the grace period of KFLOW_SHUTDOWN_TIMEOUT seconds. Tasks that have not ended
   * are delivered to another listener.
   */
  stop(): void {
    this.stopping.abort();
  }

  private intakeOf(links: TaskLinks, place: ListenerPlace): TaskIntake {
    const results = new TaskResults({ ...place, links, taskOf: () => undefined, progress: () => undefined });
    const heartbeats = new TaskHeartbeats({ ...place, links, canceled: (task) => this.drop(task) });
    const intake = new TaskIntake({
      ...place,
      slots: mostHeld,
      links,
      results: () => results,
      log,
      handOver: (task, values) => this.queue(task, values),
      began: (task) => heartbeats.began(task),
      ended: (task) => heartbeats.ended(task),
    });
    links.onCancel((id) => {
      const task = intake.cancel(id);
      if (task !== undefined) this.drop(task);
    });
    this.results = results;
    this.intake = intake;
    return intake;
  }

  /** False: the current event is still being processed. */
  private async listenWith(intake: TaskIntake): Promise<boolean> {
    const { signal } = this.stopping;
    const stop = () => {
      this.isInterrupted = true;
      this.stop();
    };
    for (const each of ['SIGTERM', 'SIGINT'] as const) process.on(each, stop);
    intake.start();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    for (const each of ['SIGTERM', 'SIGINT'] as const) process.off(each, stop);
    intake.stop();
    const isIdle =
      (await atMost(
        graceMs(),
        this.turn.then(() => true),
      )) ?? false;
    if (!isIdle) writeLog('WARNING', 'EventListener: an event is still being processed; its task is given back');
    for (const task of this.held.values()) intake.giveBack(task, 0);
    this.held.clear();
    return isIdle;
  }

  private queue(task: RunningTask, values: TaskValues): void {
    const { execution, step } = task.message;
    const place = placeOf(execution, step);
    this.held.set(place, task);
    this.turn = this.turn
      .then(() => this.run(place, task, values))
      .catch((error) => {
        writeLog('WARNING', `task ${task.id}: given back: ${String(error)}`);
        this.intake?.giveBack(task, otherMs);
      });
  }

  /** I1. What cannot be stored is given back. */
  private async end(task: RunningTask, error: TaskError | undefined, output?: unknown): Promise<void> {
    try {
      if (error === undefined) await this.results?.succeeded(task, output);
      else await this.results?.failed(task, error);
    } catch (cause) {
      this.intake?.giveBack(task, otherMs);
      throw cause;
    }
    this.intake?.acked(task);
  }

  private async run(place: string, task: RunningTask, values: TaskValues): Promise<void> {
    if (this.stopping.signal.aborted || task.endsBy !== undefined) return;
    try {
      const isOwn = await this.process(task.id, eventOf(task, values));
      if (!isOwn && this.taken(place) !== undefined) this.intake?.giveBack(task, otherMs);
    } catch (error) {
      const { name, message: text } = error instanceof Error ? error : new Error(String(error));
      if (this.taken(place) === undefined)
        writeLog('ERROR', `task ${task.id} has ended, and then threw ${name}: ${text}`);
      else await this.end(task, { code: name || 'Error', message: text });
    }
  }

  /** The task at a place, which is not held any more. */
  private taken(place: string): RunningTask | undefined {
    const task = this.held.get(place);
    this.held.delete(place);
    return task;
  }

  /** The task is not needed any more. */
  private drop(task: RunningTask): void {
    const { execution, step } = task.message;
    const place = placeOf(execution, step);
    if (this.held.get(place) === task) this.held.delete(place);
    if (!task.endBy(TaskErrorCode.Canceled) || !task.hasBegun) return; // the intake ends it
    this.intake?.acked(task);
  }
}

function graceMs(): number {
  return Number(process.env.KFLOW_SHUTDOWN_TIMEOUT || timing.shutdownSeconds) * 1_000;
}

interface ListenerPlace {
  readonly namespace: string;
  readonly taskNamespace: string;
  readonly worker: string;
}

/** A process may have several listeners. */
function workerName(): string {
  return `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

function log(level: LogLevel, text: string): void {
  writeLog(level === 'CRITICAL' ? 'ERROR' : level, text);
}

/** Undefined for a success. */
function errorOf({ status, reason = '', output }: Extract<TaskEvent, { kind: 'end-task' }>): TaskError | undefined {
  if (status !== undefined && status !== '' && status !== 'SUCCESS') return { code: status, message: reason };
  try {
    if (output !== undefined) jsonText('output', output);
    return undefined;
  } catch (error) {
    return { code: TaskErrorCode.OutputInvalid, message: (error as Error).message, isTerminal: true };
  }
}

function placeOf(workflow: string, index: string): string {
  return `${workflow} ${index}`;
}

function eventOf({ message: task }: RunningTask, { input, parameters }: TaskValues): StartTaskEvent {
  const { execution: workflow, name, task: base, step: index, attempt } = task;
  const event = { kind: 'start-task', workflow, name, base, index, attempt, parameters: parameters ?? {} } as const;
  return input === undefined ? event : { ...event, input };
}
