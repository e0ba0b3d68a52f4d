import { z } from 'zod';
import { type Fields, Message } from './messages/message';
import { NotFoundError } from './messages/operation-error';
import { Result, type ResultFields } from './messages/result';
import { type Producer, sent } from './producer';
import type { TaskStatus } from './task';

/** The key of `metadata` that names the operation of a task. */
export const placeKey = '__operation__';

const emptyText = 'Nothing to do, empty operation !';

/** The result of an operation without tasks. */
export function emptyResult(uuid: string): Result {
  return new Result({ uuid, retcode: 1, stderr: emptyText });
}

const fields = z.record(z.string(), z.unknown());
const result = z
  .object({ uuid: z.string(), retcode: z.int(), stdout: z.string(), stderr: z.string(), retval: fields })
  .nullable();
const status = z.enum(['PENDING', 'RUNNING', 'SUCCESS', 'FAILED']);
const taskSchema = z.object({
  uuid: z.string(),
  entrypoint: z.string(),
  topic: z.string().nullable(),
  params: fields,
  metadata: fields,
  status,
  result,
  /** Number of the message that runs the task. */
  sequence: z.int().nullable(),
});
const stateSchema = z.object({
  v: z.literal(1),
  uuid: z.string(),
  entrypoint: z.string(),
  topic: z.string(),
  params: fields,
  metadata: fields,
  status,
  run: z.int(),
  /** Number of the message that asked for the run; 0 without one. */
  request: z.int(),
  result,
  tasks: z.array(taskSchema),
});

type TaskState = z.infer<typeof taskSchema>;
type State = z.infer<typeof stateSchema>;

/** What is stored of a task. */
interface PlannedTask {
  readonly uuid: string;
  readonly path: string;
  readonly topic: string | undefined;
  readonly params: Fields;
  readonly metadata: Fields;
  readonly status: TaskStatus;
  readonly result: Result;
}

interface PlannedOperation extends PlannedTask {
  readonly tasks: readonly PlannedTask[];
  requiredTopic(): string;
}

/** Called with the outcome of an operation that has no task left to send. */
export type Finish = (status: 'SUCCESS' | 'FAILED', result: Result) => Promise<void>;

/**
 * The stored state of an operation whose tasks run on several consumers; kfbasicpy reads and writes the same.
 *
 * I1. A task is begun by one message only: `take` stores the number of the message. The same message may take it again, after
 *     its consumer has died; a duplicate may not.
 * I2. A task has one result: `complete` stores the first one.
 * I3. The message of a task has the id `<operation>/<index>`, and `/<run>` after it from the second run on. So a transport
 *     drops the second of two consumers that send it, and what a transport no longer drops, I1 does.
 * I4. Each change is stored on condition that the state is the one it was made from.
 */
export class OperationRun {
  private constructor(
    private readonly producer: Producer,
    private current: State,
    private revision: number,
  ) {}

  /** The run of an operation; undefined if it has none. Throws TransportError. */
  static async load(producer: Producer, uuid: string): Promise<OperationRun | undefined> {
    const found = await (await producer.transport()).load(uuid);
    if (found === undefined) return undefined;
    return new OperationRun(producer, stateSchema.parse(JSON.parse(found.value)), found.revision);
  }

  /**
   * Stores the tasks of an operation that has no run yet; else the run that it has. `request` is the number of the message
   * that asked for it, 0 without one; `failed` the outcome of an operation that cannot run.
   */
  static async begin(
    producer: Producer,
    operation: PlannedOperation,
    { request, failed }: { readonly request: number; readonly failed?: Result },
  ): Promise<OperationRun> {
    const { uuid, path: entrypoint, params, metadata, tasks } = operation;
    const state: State = {
      v: 1,
      uuid,
      entrypoint,
      topic: operation.requiredTopic(),
      params,
      metadata,
      status: failed === undefined ? 'RUNNING' : 'FAILED',
      run: 1,
      request,
      result: failed?.toJSON() ?? null,
      tasks: tasks.map(taskState),
    };
    const run = new OperationRun(producer, state, 0);
    if (await run.save(state)) return run;
    await run.reload();
    return run;
  }

  get state(): Readonly<State> {
    return this.current;
  }

  get hasEnded(): boolean {
    return this.current.status !== 'RUNNING';
  }

  /** The results of all tasks, folded; with the uuid of the last one that has one. */
  get result(): Result {
    const { result: final, tasks } = this.current;
    return final === null ? this.folded(tasks.length) : new Result(final);
  }

  /** The operation itself, as a message; with these metadata beside its own. */
  message(more: Fields = {}): Message {
    const { uuid, entrypoint, params, metadata } = this.current;
    return new Message({ uuid, entrypoint, params, metadata: { ...metadata, ...more } });
  }

  /** Whether the message with this number is the one that runs the task (I1). */
  take(index: number, { sequence, run }: { readonly sequence: number; readonly run: number }): Promise<boolean> {
    return this.change((state) => {
      const task = state.tasks[index];
      if (task === undefined || state.run !== run) return false;
      const isMine = task.status === 'RUNNING' && task.sequence === sequence;
      if (task.status !== 'PENDING' && !isMine) return false;
      Object.assign(task, { status: 'RUNNING', sequence });
      return true;
    });
  }

  /** Stores the result of a task (I2). Later tasks get its metadata too. */
  async complete(index: number, ended: Result, metadata: Fields): Promise<void> {
    await this.change((state) => {
      const task = state.tasks[index];
      if (task === undefined || task.status === 'SUCCESS' || task.status === 'FAILED') return false;
      const isSuccess = ended.retcode === 0;
      Object.assign(task, { status: isSuccess ? 'SUCCESS' : 'FAILED', result: ended.toJSON() });
      if (isSuccess) for (const before of state.tasks.slice(0, index)) before.result = null; // it is in the new one
      const { [placeKey]: _, ...own } = metadata;
      state.metadata = { ...state.metadata, ...own };
      return true;
    });
  }

  /** Stores the outcome of the operation; the first one stays. */
  async end(outcome: 'SUCCESS' | 'FAILED', final: Result): Promise<void> {
    await this.change((state) => {
      if (state.status !== 'RUNNING') return false;
      Object.assign(state, { status: outcome, result: final.toJSON() });
      return true;
    });
  }

  /**
   * Begins a run of a failed operation, in which the tasks that succeeded are not run again. `tasks` are those of an operation
   * that had none, because they could not be built.
   */
  async resume(request: number, tasks?: readonly PlannedTask[]): Promise<void> {
    await this.change((state) => {
      if (state.status !== 'FAILED') return false;
      Object.assign(state, { status: 'RUNNING', run: state.run + 1, request, result: null });
      if (tasks !== undefined) state.tasks = tasks.map(taskState);
      for (const task of state.tasks) {
        if (task.status !== 'SUCCESS') Object.assign(task, { status: 'PENDING', result: null, sequence: null });
      }
      return true;
    });
  }

  /**
   * Sends the task that is next, or calls `finish` with the outcome if there is none or the operation has ended. The result says
   * what was sent. Throws TransportError.
   */
  async advance(finish: Finish): Promise<Result | undefined> {
    const { tasks, uuid } = this.current;
    if (tasks.length === 0) {
      await finish('FAILED', emptyResult(uuid));
      return undefined;
    }
    const index = tasks.findIndex((task) => task.status !== 'SUCCESS');
    const task = tasks[index];
    if (task?.status === 'PENDING' && !this.hasEnded) return this.launch(index, task);
    if (task?.status !== 'RUNNING') await finish(task === undefined ? 'SUCCESS' : 'FAILED', this.result);
    return undefined;
  }

  private async launch(index: number, task: TaskState): Promise<Result> {
    const { uuid, run, topic, metadata } = this.current;
    const place = { uuid, index, run };
    const message = new Message({
      ...task,
      result: this.folded(index),
      metadata: { ...metadata, ...task.metadata, [placeKey]: place },
    });
    const to = task.topic ?? topic;
    const id = `${uuid}/${index}`;
    await this.producer.publish(to, message, run === 1 ? id : `${id}/${run}`);
    return sent(message, to);
  }

  /** The results of the tasks before `end`. */
  private folded(end: number): Result {
    const done = this.current.tasks.slice(0, end).flatMap(({ result: own }) => (own === null ? [] : [new Result(own)]));
    const first = new Result({ uuid: done.at(-1)?.uuid ?? this.current.uuid });
    return done.reduce((folded, each) => folded.plus(each), first);
  }

  /** Applies a change to the state as it is stored (I4). False: the change did not apply. */
  private async change(apply: (state: State) => boolean): Promise<boolean> {
    for (;;) {
      const state = structuredClone(this.current);
      if (apply(state)) {
        if (await this.save(state)) return true;
        await this.reload();
      } else if (!(await this.reload())) return false;
    }
  }

  /** Whether the stored state is a later one. */
  private async reload(): Promise<boolean> {
    const run = await OperationRun.load(this.producer, this.current.uuid);
    if (run === undefined) throw new NotFoundError(`operation ${this.current.uuid}: has no state`);
    const isLater = run.revision !== this.revision;
    this.current = run.current;
    this.revision = run.revision;
    return isLater;
  }

  private async save(state: State): Promise<boolean> {
    const stored = { value: JSON.stringify(state), revision: this.revision };
    const revision = await (await this.producer.transport()).save(state.uuid, stored);
    if (revision === undefined) return false;
    this.current = state;
    this.revision = revision;
    return true;
  }
}

function taskState({ uuid, path: entrypoint, topic, params, metadata, ...task }: PlannedTask): TaskState {
  const isDone = task.status === 'SUCCESS';
  const ended: { status: TaskStatus; result: ResultFields | null } = isDone
    ? { status: 'SUCCESS', result: task.result.toJSON() }
    : { status: 'PENDING', result: null };
  return { uuid, entrypoint, topic: topic ?? null, params, metadata, sequence: null, ...ended };
}
