import { taskWire } from '../../lib/plan/task-names';
import type { Language } from '../../lib/topology/document/language';
import { TaskErrorCode } from '../api-contract/task-error-code';
import type { WorkerEntry } from '../api-contract/task-message';
import type { Counters } from '../engine/counters';
import type { RecordObserver } from '../engine/leases/processing-times';
import type { Host, HostEvents, Log } from '../engine/ports/host';
import type { RecordTracer } from '../engine/ports/record-tracer';
import { Preparation } from '../engine/preparation';
import { RecordLoop } from '../engine/record-loop';
import { LoopInput } from './loop-input';
import { languagesOf, loopSpec, type WorkerSpec } from './loop-spec';
import type { TaskLinks } from './ports/task-links';
import { type EndReason, endText, type RunningTask } from './running-task';
import { encodeCall, type TaskValues } from './task-calls';
import { TaskHeartbeats } from './task-heartbeats';
import { TaskIntake } from './task-intake';
import { TaskResults } from './task-results';
import { WorkerAnnouncer } from './worker-announcer';

/** A task whose run time is over has so long to end by itself. */
const timeoutGraceMs = 1_000;

export interface TaskWorkerProps {
  readonly spec: WorkerSpec;
  /** Names this process among the workers, as one token. */
  readonly worker: string;
  readonly version: string;
  readonly links: TaskLinks;
  readonly createHost: (spec: WorkerSpec, events: HostEvents) => Host;
  readonly counters: Counters;
  readonly log: Log;
  readonly observer?: RecordObserver;
  readonly tracer?: RecordTracer | undefined;
  /** How long a canceled task has to end by itself. Default: 30 s. */
  readonly cancelGraceMs?: number;
}

/**
 * Runs the tasks of a task namespace: the record loop of functions, with one loop for each language, over messages of tasks.
 *
 * I1. A task has one result, which its loop reports before it acks the task; every failure is the last of its attempt, because
 *     the controller decides whether there is another.
 * I2. A task that is canceled, or runs for too long, is told so first, and killed after a grace period.
 */
export class TaskWorker {
  private readonly inputs = new Map<Language, LoopInput>();
  private readonly loops: ReadonlyMap<string, RecordLoop>;
  private readonly intake: TaskIntake;
  private readonly heartbeats: TaskHeartbeats;
  private readonly announcer: WorkerAnnouncer;

  constructor(private readonly props: TaskWorkerProps) {
    const { spec, worker, links, log } = props;
    this.heartbeats = new TaskHeartbeats({
      worker,
      links,
      canceled: (task) => this.endBy(TaskErrorCode.Canceled, task),
    });
    const results = new TaskResults({
      namespace: spec.namespace,
      worker,
      links,
      taskOf: (sequence) => this.intake.taskOf(sequence),
      progress: (task, progress) => this.heartbeats.report(task, progress),
      follow: (task, output) => this.intake.follow(task, output),
    });
    this.intake = new TaskIntake({
      taskNamespace: spec.taskNamespace,
      slots: spec.concurrency,
      tasks: new Set(Object.keys(spec.tasks)),
      worker,
      links,
      log,
      results: () => results,
      began: (task) => this.onBegan(task),
      ended: (task) => this.heartbeats.ended(task),
      handOver: (task, values) => this.handOver(task, values),
    });
    this.announcer = new WorkerAnnouncer({ directory: links.directory, log, entry: () => this.entry() });
    this.loops = new Map(languagesOf(spec).map((language) => [language, this.loopOf(language, results)]));
  }

  /** Number of tasks that are held. */
  get inFlight(): number {
    return this.intake.size;
  }

  /** Loads the code, and takes tasks until `stop`. Rejects when code cannot be loaded; `onBroken` as for a record loop. */
  async start(onBroken: (cause: Error) => void): Promise<void> {
    await Promise.all([...this.loops.values()].map((loop) => loop.start(onBroken)));
    this.props.links.onCancel((id) => {
      const task = this.intake.cancel(id);
      if (task !== undefined) this.endBy(TaskErrorCode.Canceled, task);
    });
    this.intake.start();
    await this.announcer.start();
  }

  /** Takes no more tasks, gives running ones the grace period, and gives back those that have not ended. */
  async stop(graceMs: number): Promise<void> {
    await this.announcer.stop();
    this.intake.stop();
    await Promise.all([...this.loops.values()].map((loop) => loop.stop(graceMs)));
  }

  private inputOf(language: Language): LoopInput {
    const input = new LoopInput();
    this.inputs.set(language, input);
    return input;
  }

  private loopOf(language: Language, results: TaskResults): RecordLoop {
    const { counters, log, observer, tracer, createHost } = this.props;
    const spec = loopSpec(this.props.spec, language);
    return new RecordLoop({
      spec,
      inputs: [this.inputOf(language)],
      createHost: (events) => createHost(spec as WorkerSpec, events),
      writer: results,
      preparation: new Preparation({
        claims: { fetch: () => Promise.reject(new Error('a call of a task is no claim')) },
        dedupeWindowMs: Number.MAX_SAFE_INTEGER, // a result has the id of its task
      }),
      deadLetters: results,
      failsOnce: true, // I1
      counters,
      log,
      isLongRunning: true, // the message has the time limit
      ...(observer === undefined ? {} : { observer }),
      tracer,
    });
  }

  private handOver(task: RunningTask, values: TaskValues): void {
    const declared = this.props.spec.tasks[task.name];
    if (declared === undefined) throw new Error(`no task is called ${task.name}`);
    const call = encodeCall(task.message, task.name, declared, values);
    task.isInCode = true;
    this.inputs.get(declared.language)?.deliver(task, call, this.intake);
  }

  private onBegan(task: RunningTask): void {
    this.heartbeats.began(task);
    const { runMs } = task.message.timeouts ?? {};
    if (runMs !== undefined) task.after(runMs, () => this.endBy(TaskErrorCode.TimedOut, task));
  }

  /** I2 */
  private endBy(reason: EndReason, task: RunningTask): void {
    if (!task.endBy(reason)) return;
    const { log, spec, cancelGraceMs = taskWire.cancelGraceMs } = this.props;
    log('INFO', `task ${task.id}: ${endText(reason)}`);
    const loop = this.loops.get(spec.tasks[task.name]?.language ?? '');
    if (loop === undefined) return; // it is refused
    loop.cancel(task.place);
    const graceMs = reason === TaskErrorCode.Canceled ? cancelGraceMs : timeoutGraceMs;
    task.after(graceMs, () => loop.abort(task.place, { type: reason, message: endText(reason) }));
  }

  private entry(): Omit<WorkerEntry, 'v' | 'since' | 'lastSeen'> {
    const { spec, worker, version } = this.props;
    const { taskNamespace, concurrency: slots } = spec;
    const tasks = Object.entries(spec.tasks).map(([name, { parameters, policy, language }]) => {
      const declared = {
        language,
        ...(parameters === undefined ? {} : { parameters }),
        ...(policy === undefined ? {} : { policy }),
      };
      return [name, declared] as const;
    });
    return {
      worker,
      taskNamespace,
      tasks: Object.fromEntries(tasks),
      version,
      language: languagesOf(spec).join(', '),
      slots,
      running: this.intake.size,
    };
  }
}
