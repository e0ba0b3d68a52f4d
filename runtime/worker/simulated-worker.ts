import { TaskErrorCode } from '../api-contract/task-error-code';
import { anyTask, type TaskError } from '../api-contract/task-message';
import type { Log } from '../engine/ports/host';
import type { TaskLinks } from './ports/task-links';
import { endError, type RunningTask } from './running-task';
import type { TaskValues } from './task-calls';
import { TaskHeartbeats } from './task-heartbeats';
import { TaskIntake } from './task-intake';
import { TaskResults } from './task-results';
import { WorkerAnnouncer } from './worker-announcer';

/** By this language, the list of workers tells simulated ones from others. */
export const simulatedLanguage = 'simulated';

/** Tasks that are simulated at once. */
const slots = 100;
/** A task whose result cannot be stored is given back for so long. */
const giveBackMs = 1_000;

export interface SimulatedWorkerProps {
  readonly namespace: string;
  readonly taskNamespace: string;
  readonly worker: string;
  readonly links: TaskLinks;
  /** The longest time that an attempt takes. */
  readonly periodMs: number;
  /** Share of attempts that fail, from 0 to 1. */
  readonly failures: number;
  /** At least 0, below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Takes every task of a task namespace, and passes its input on after a random time, or fails. */
export class SimulatedWorker {
  private readonly tasks = new Map<RunningTask, 'runs' | 'ends'>();
  private isStopped = false;
  private onIdle: () => void = () => undefined;
  private readonly results: TaskResults;
  private readonly intake: TaskIntake;
  private readonly announcer: WorkerAnnouncer;

  constructor(private readonly props: SimulatedWorkerProps) {
    const { namespace, taskNamespace, worker, links, log } = props;
    const heartbeats = new TaskHeartbeats({ worker, links, canceled: (task) => this.cancel(task) });
    this.results = new TaskResults({ namespace, worker, links, taskOf: () => undefined, progress: () => undefined });
    this.intake = new TaskIntake({
      taskNamespace,
      slots,
      worker,
      links,
      log,
      results: () => this.results,
      handOver: (task, values) => this.begin(task, values),
      began: (task) => heartbeats.began(task),
      ended: (task) => heartbeats.ended(task),
    });
    const entry = () => ({
      worker,
      taskNamespace,
      tasks: { [anyTask]: {} },
      language: simulatedLanguage,
      slots,
      running: this.intake.size,
    });
    this.announcer = new WorkerAnnouncer({ directory: links.directory, log, entry });
  }

  async start(): Promise<void> {
    this.props.links.onCancel((id) => {
      const task = this.intake.cancel(id);
      if (task !== undefined) this.cancel(task);
    });
    this.intake.start();
    await this.announcer.start();
  }

  /** Takes no more tasks, gives those that run the grace period, and gives back the others. */
  async stop(graceMs: number): Promise<void> {
    await this.announcer.stop();
    this.isStopped = true;
    this.intake.stop();
    if (this.tasks.size > 0) await this.idleWithin(graceMs);
    for (const task of this.tasks.keys()) this.intake.giveBack(task, 0);
  }

  private idleWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private begin(task: RunningTask, { input }: TaskValues): void {
    if (this.isStopped) {
      this.intake.giveBack(task, 0);
      return;
    }
    const { periodMs, failures, random } = this.props;
    const { timeouts, wantsList } = task.message;
    const { runMs = Number.POSITIVE_INFINITY } = timeouts ?? {};
    const waitMs = random() * periodMs;
    const failure = random() < failures ? { code: 'simulated', message: 'a failure of the simulation' } : undefined;
    const error = waitMs > runMs ? endError(TaskErrorCode.TimedOut) : failure;
    const output = wantsList === true && !Array.isArray(input) ? [input ?? {}] : input;
    this.tasks.set(task, 'runs');
    task.after(Math.min(waitMs, runMs), () => void this.end(task, error, output));
  }

  private cancel(task: RunningTask): void {
    if (task.endBy(TaskErrorCode.Canceled) && task.hasBegun) void this.end(task, endError(TaskErrorCode.Canceled));
  }

  private async end(task: RunningTask, error: TaskError | undefined, output?: unknown): Promise<void> {
    if (this.tasks.get(task) !== 'runs') return;
    this.tasks.set(task, 'ends');
    const { log } = this.props;
    try {
      if (error === undefined) await this.results.succeeded(task, output);
      else await this.results.failed(task, error);
      log('INFO', `task ${task.id} (${task.message.name}): ${error?.message ?? 'succeeded'}`);
      this.intake.acked(task);
    } catch (cause) {
      log('WARNING', `task ${task.id}: given back: ${String(cause)}`);
      this.intake.giveBack(task, giveBackMs);
    }
    this.tasks.delete(task);
    if (this.tasks.size === 0) this.onIdle();
  }
}
