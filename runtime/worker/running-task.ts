import { parseTaskName } from '../../lib/plan/task-names';
import { TaskErrorCode } from '../api-contract/task-error-code';
import type { TaskError, TaskMessage } from '../api-contract/task-message';
import type { Delivery } from '../engine/ports/delivery';
import { isAgain } from '../engine/preparation';

/** Why a task is to end before its time. */
export type EndReason = typeof TaskErrorCode.Canceled | typeof TaskErrorCode.TimedOut;

/** A message that this worker holds, from its delivery until it is acked or given back. */
export class HeldMessage {
  /** Its tasks that have begun and not ended: the result of one may be being stored while the next one runs. */
  readonly open = new Set<RunningTask>();
  /** Set when it is to be delivered again. */
  giveBackMs: number | undefined;
  private readonly ids = new Set<string>();
  private last: RunningTask | undefined;

  constructor(
    /** The latest delivery. */
    public delivery: Delivery,
  ) {}

  /** No other worker has had it, nor can get it from a server that was killed since. */
  get isFirst(): boolean {
    return !isAgain(this.delivery);
  }

  /** The task that has begun last. */
  get current(): RunningTask | undefined {
    return this.last;
  }

  begin(task: RunningTask): void {
    this.open.add(task);
    this.ids.add(task.id);
    this.last = task;
  }

  /** Whether a task with the id has begun, and may have ended. */
  hasBegun(id: string): boolean {
    return this.ids.has(id);
  }
}

/** A task that this worker holds, from its delivery to its result. */
export class RunningTask {
  /** Its input is loaded, and whoever runs it has got it. */
  hasBegun = false;
  /** A host runs its code, which then has to send heartbeats itself; the record loop renews the lease. */
  isInCode = false;
  /** The next task of its message has begun. */
  isFollowed = false;
  private reason: EndReason | undefined;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    readonly message: TaskMessage,
    readonly held: HeldMessage,
    /** Its number among the tasks of this worker. */
    readonly number: number,
  ) {}

  /** The latest delivery of its message. */
  get delivery(): Delivery {
    return this.held.delivery;
  }

  /** What a record loop gets for it, instead of the message. */
  get place(): Pick<Delivery, 'stream' | 'sequence' | 'timestampMs'> {
    const { stream, timestampMs } = this.delivery;
    return { stream, timestampMs, sequence: this.number };
  }

  get id(): string {
    return this.message.id;
  }

  /** Its name within the task namespace. */
  get name(): string {
    return parseTaskName(this.message.task).name;
  }

  /** Set when the task is to end before its time. */
  get endsBy(): EndReason | undefined {
    return this.reason;
  }

  /** False when the task is to end already. */
  endBy(reason: EndReason): boolean {
    if (this.reason !== undefined) return false;
    this.reason = reason;
    return true;
  }

  /** Runs an action after a time, unless the task has ended by then. */
  after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      action();
    }, ms);
    this.timers.add(timer);
  }

  /** It has a result, or was given back. */
  ended(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }
}

/** The failure of a task that was told to end. */
export function endError(reason: EndReason): TaskError {
  const message = endText(reason);
  return reason === TaskErrorCode.Canceled ? { code: reason, message, isTerminal: true } : { code: reason, message };
}

/** What a failure of a task that was told to end says. */
export function endText(reason: EndReason): string {
  return reason === TaskErrorCode.Canceled ? 'the task was canceled' : 'the task ran for longer than it may';
}
