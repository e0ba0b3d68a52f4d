import { KFlowError } from '../../lib/errors';
import { isPlainMap } from '../../lib/plain-map';
import { parseTaskName, taskWire } from '../../lib/plan/task-names';
import { TaskErrorCode } from '../api-contract/task-error-code';
import { anyTask, type TaskMessage, taskMessageSchema } from '../api-contract/task-message';
import type { Delivery } from '../engine/ports/delivery';
import type { Log } from '../engine/ports/host';
import type { TaskLinks } from './ports/task-links';
import { endError, HeldMessage, RunningTask } from './running-task';
import type { TaskValues } from './task-calls';
import { heartbeatOf } from './task-heartbeats';
import type { TaskResults } from './task-results';

/** A message is given back for so long: to a worker that has the task or speaks its protocol, or until a controller answers. */
const giveBackMs = { unknown: 1_000, unanswered: 5_000, failed: 1_000, newer: 5_000 };
const renewEveryMs = taskWire.ackWaitMs / 3;
/** Ids of canceled tasks that are remembered: a task that follows one may be canceled before it begins. */
const maxCanceled = 1_000;
/** Room for one message of the largest size that servers take by default. */
const bytesEach = 1024 * 1024;

export interface TaskIntakeProps {
  readonly taskNamespace: string;
  /** Tasks that are held at once. */
  readonly slots: number;
  /** The names of the tasks that are taken; left out: all. */
  readonly tasks?: ReadonlySet<string>;
  readonly worker: string;
  readonly links: TaskLinks;
  readonly results: () => Pick<TaskResults, 'receipt' | 'failed'>;
  readonly log: Log;
  /** Runs a task with its values; ends with `acked` or `giveBack`. */
  readonly handOver: (task: RunningTask, values: TaskValues) => void;
  /** A task has begun; it has not been handed over. */
  readonly began: (task: RunningTask) => void;
  readonly ended: (task: RunningTask) => void;
}

/**
 * Pulls tasks, one for each free slot, and hands them over.
 *
 * I1. A message holds its slot from its delivery until it is acked or given back: no task waits in a busy worker.
 * I2. A task that may have been delivered before runs again only if a controller says that it has no result.
 * I3. A message is acked only after the result of each of its tasks that has begun is stored, or if it needs none.
 * I4. What follows a task begins here only at the first delivery of the message, and after a success that says so.
 */
export class TaskIntake {
  /** By sequence. */
  private readonly messages = new Map<number, HeldMessage>();
  /** By number. */
  private readonly tasks = new Map<number, RunningTask>();
  private readonly canceled = new Set<string>();
  private count = 0;
  private isStopped = false;
  private renewing: NodeJS.Timeout | undefined;

  constructor(private readonly props: TaskIntakeProps) {}

  /** Number of messages that this worker holds. */
  get size(): number {
    return this.messages.size;
  }

  taskOf(number: number): RunningTask | undefined {
    return this.tasks.get(number);
  }

  /** A task is canceled. Returns what is to end here: the task, or the one that runs after it. */
  cancel(id: string): RunningTask | undefined {
    this.canceled.add(id);
    const [oldest] = this.canceled;
    if (this.canceled.size > maxCanceled && oldest !== undefined) this.canceled.delete(oldest);
    return [...this.messages.values()].find((message) => message.hasBegun(id))?.current;
  }

  /** Begins the task that follows one that has succeeded. False: it is none of this worker, or not to begin. */
  follow(task: RunningTask, output: unknown): boolean {
    if (task.isFollowed) return true; // it has run again
    const { v, execution, flow, metadata, sentAt, next: [following, ...next] = [] } = task.message;
    if (following === undefined || !task.held.isFirst || task.endsBy !== undefined || this.isStopped) return false; // I4
    const { name } = parseTaskName(following.task);
    if (this.props.tasks?.has(name) !== true || this.canceled.has(following.id)) return false;
    task.isFollowed = true;
    const message = { v, execution, flow, metadata, sentAt, ...following, input: output, next };
    this.begin(message, task.held, async (followed) => {
      const parameters = await this.props.links.values.get(following.parameters);
      await this.handOver(followed, { input: output, parameters });
    });
    return true;
  }

  start(): void {
    this.props.links.deliveries.start((delivery) => this.onDelivery(delivery));
    this.renewing = setInterval(() => this.renew(), renewEveryMs);
    this.demand();
  }

  /** Pulls no more; what is held is to be ended. */
  stop(): void {
    this.isStopped = true;
    clearInterval(this.renewing);
    this.props.links.deliveries.stop();
  }

  /** The result of a task is stored. */
  acked(task: RunningTask): void {
    this.end(task);
  }

  /** Another worker, or this one later, gets the task again. */
  giveBack(task: RunningTask, delayMs: number): void {
    if (!this.holds(task)) return;
    task.held.giveBackMs ??= delayMs;
    const { links, worker } = this.props;
    if (task.hasBegun) void links.heartbeat(heartbeatOf(task, worker, { lease: 'returns' }));
    this.end(task);
  }

  private demand(): void {
    const free = this.isStopped ? 0 : this.props.slots - this.size; // I1
    this.props.links.deliveries.demand(free, Math.max(free, 0) * bytesEach);
  }

  /** Who runs a task renews its lease. */
  private renew(): void {
    for (const task of this.tasks.values()) if (!task.isInCode) task.delivery.working();
  }

  private onDelivery(delivery: Delivery): void {
    const same = this.messages.get(delivery.sequence);
    if (same !== undefined && same.delivery.timestampMs === delivery.timestampMs) {
      same.delivery = delivery; // the lease was late
      this.demand();
    } else if (this.isStopped || same !== undefined) delivery.nak(0);
    else this.take(delivery);
  }

  private take(delivery: Delivery): void {
    const message = parseMessage(delivery.payload);
    if (message === 'newer' || message === undefined) {
      this.passOver(delivery, message);
      return;
    }
    const held = new HeldMessage(delivery);
    this.messages.set(delivery.sequence, held);
    this.begin(message, held, (task) => this.runFirst(task));
  }

  private begin(message: TaskMessage, held: HeldMessage, run: (task: RunningTask) => Promise<void>): void {
    const task = new RunningTask(message, held, this.count++);
    held.begin(task);
    this.tasks.set(task.number, task);
    this.props.began(task);
    run(task).catch((error) => {
      this.props.log('WARNING', `task ${task.id}: given back: ${String(error)}`);
      this.giveBack(task, giveBackMs.failed);
    });
  }

  private passOver(delivery: Delivery, message: 'newer' | undefined): void {
    const name = `message ${delivery.sequence} of ${delivery.stream}`;
    if (message === 'newer') {
      this.props.log('WARNING', `${name} has another version of the protocol; given back`);
      delivery.nak(giveBackMs.newer);
    } else {
      this.props.log('ERROR', `${name} is none of docs/task-protocol.md; removed`);
      delivery.ack(); // nobody can be answered
    }
    this.demand();
  }

  private async runFirst(task: RunningTask): Promise<void> {
    const { tasks, links } = this.props;
    if (tasks?.has(task.name) === false) return this.refuse(task, [...tasks]);
    if (!task.held.isFirst && !(await this.isNeeded(task))) return;
    let values: TaskValues;
    try {
      const [input, parameters] = await Promise.all([
        links.values.get(task.message.input),
        links.values.get(task.message.parameters),
      ]);
      values = { input, parameters };
    } catch (error) {
      if (!isGone(error)) throw error;
      return this.fail(task, { code: TaskErrorCode.MessageInvalid, message: error.message, isTerminal: true });
    }
    if (task.message.wantsReceipt === true) await this.props.results().receipt(task);
    await this.handOver(task, values);
  }

  private async handOver(task: RunningTask, values: TaskValues): Promise<void> {
    if (task.endsBy !== undefined) return this.fail(task, endError(task.endsBy));
    this.props.log('DEBUG', `task ${task.id} begins: ${task.message.task}, attempt ${task.message.attempt}`);
    task.hasBegun = true;
    this.props.handOver(task, values);
  }

  /** I2. */
  private async isNeeded(task: RunningTask): Promise<boolean> {
    const answer = await this.props.links.heartbeat(heartbeatOf(task, this.props.worker, { lease: 'begins' }));
    if (answer === undefined) {
      this.giveBack(task, giveBackMs.unanswered);
      return false;
    }
    const { isCanceled, begun = 0 } = answer;
    if (isCanceled) this.acked(task);
    else if (begun > taskWire.maxBegun) {
      const message = `${begun} workers have begun the task, and none has ended it: it may end its workers`;
      await this.fail(task, { code: TaskErrorCode.WorkerLost, message, isTerminal: true });
    }
    return !isCanceled && begun <= taskWire.maxBegun;
  }

  /** This worker has no such task: another one may. */
  private async refuse(task: RunningTask, known: readonly string[]): Promise<void> {
    const others = await this.props.links.directory.recent();
    if (others.some(({ tasks }) => Object.hasOwn(tasks, task.name) || Object.hasOwn(tasks, anyTask))) {
      this.giveBack(task, giveBackMs.unknown);
      return;
    }
    const { taskNamespace } = this.props;
    const message = `no worker of ${taskNamespace} has the task "${task.name}"; this one has: ${known.join(', ')}`;
    await this.fail(task, { code: TaskErrorCode.Unknown, message, isTerminal: true });
  }

  private async fail(task: RunningTask, error: Parameters<TaskResults['failed']>[1]): Promise<void> {
    this.props.log('ERROR', `task ${task.id}: ${error.code}: ${error.message}`);
    await this.props.results().failed(task, error);
    this.acked(task);
  }

  private holds(task: RunningTask): boolean {
    return this.tasks.has(task.number);
  }

  private end(task: RunningTask): void {
    if (!this.tasks.delete(task.number)) return;
    task.ended();
    this.props.ended(task);
    const { open, giveBackMs: delayMs, delivery } = task.held;
    open.delete(task);
    if (open.size > 0) return;
    if (delayMs === undefined)
      delivery.ack(); // I3
    else delivery.nak(delayMs);
    this.messages.delete(delivery.sequence);
    this.demand();
  }
}

/** Whether the object of a claim is not in its bucket. */
function isGone(error: unknown): error is KFlowError {
  return error instanceof KFlowError && error.detail.isFinal === true;
}

/** `newer` for a message of another version of the protocol, undefined for one that is of none. */
function parseMessage(payload: Uint8Array): TaskMessage | 'newer' | undefined {
  try {
    const message: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (isPlainMap(message) && typeof message.v === 'number' && message.v !== 1) return 'newer';
    return taskMessageSchema.safeParse(message).data;
  } catch {
    return undefined; // no JSON
  }
}
