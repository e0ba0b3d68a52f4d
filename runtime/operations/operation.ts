import { type EntrypointClass, pathOf } from './entrypoint';
import type { Fields } from './messages/message';
import { ValidationError } from './messages/operation-error';
import { Result } from './messages/result';
import { writeLog } from './observe/task-log';
import { startSpan, type TaskSpan, tagsOf, traceparentKey } from './observe/task-tracer';
import { emptyResult, OperationRun } from './operation-run';
import { Task, type TaskProps, type TaskStatus } from './task';

export interface OperationProps extends TaskProps {
  /** Default: `buildTasks` makes them. */
  readonly tasks?: readonly Task[];
}

/**
 * Tasks that run one after the other until one fails.
 *
 * `execute` runs all tasks in this process. `launch` sends the first one, and each consumer that completes one sends the next.
 * Both skip the tasks whose status is SUCCESS, and forward their results.
 */
export class Operation extends Task {
  /** Classes of tasks whose required parameters are those of the operation too. */
  static readonly tasks: readonly EntrypointClass[] = [];

  tasks: Task[];
  private isBuilt: boolean;

  constructor({ tasks, ...props }: OperationProps = {}) {
    super(props);
    this.tasks = [...(tasks ?? [])];
    this.isBuilt = tasks !== undefined;
  }

  /**
   * An operation with these parameters and its tasks. Throws ValidationError if a required parameter is missing, before any
   * task exists, and what `prebuild`, `buildTasks` and `finalize` throw.
   */
  static async build<Kind extends Operation>(
    this: new (
      props: OperationProps,
    ) => Kind,
    params: Fields = {},
  ): Promise<Kind> {
    const operation = new this({ params });
    await operation.complete();
    return operation;
  }

  /** Builds the tasks of an operation that has none yet. */
  async complete(): Promise<void> {
    if (!this.isBuilt) this.tasks.push(...(await this.computeTasks(this.params)));
    this.isBuilt = true;
    await this.finalize();
  }

  /** Checks the parameters and builds tasks, here or for another operation that has them among its own. */
  async computeTasks(params: Fields): Promise<readonly Task[]> {
    this.assertParams(params);
    this.write('DEBUG', 'PreBuild', `: ${JSON.stringify(params)}`);
    const tasks = await this.buildTasks((await this.prebuild(params)) || params);
    writeLog('DEBUG', `${this.constructor.name}.BuildTasks: ${tasks.length} task(s) found`, {
      message: this.toMessage(),
    });
    return tasks;
  }

  /** To implement: checks before the tasks are built. Parameters that it returns replace the given ones. */
  // biome-ignore lint/suspicious/noConfusingVoidType: an implementation without a return statement replaces nothing
  prebuild(_params: Fields): Fields | void | Promise<Fields | void> {}

  /** To implement: the tasks, in their order. */
  buildTasks(_params: Fields): readonly Task[] | Promise<readonly Task[]> {
    return [];
  }

  /** To implement: what follows the build, as to store the operation. */
  finalize(): void | Promise<void> {}

  addTask(task: Task): void {
    this.tasks.push(task);
    this.isBuilt = true;
  }

  /** Changes the status. Override it to store the status, and call it there. */
  setStatus(status: TaskStatus, result?: Result): void | Promise<void> {
    this.write('INFO', 'SetStatus', ` status update '${this.status}' -> '${status}'`, result && { result });
    this.status = status;
    if (result !== undefined) this.result = result;
  }

  /** The first task after this one that has not succeeded. */
  next(task: Task): Task | undefined {
    const at = this.tasks.findIndex(({ uuid }) => uuid === task.uuid);
    return at < 0 ? undefined : this.tasks.slice(at + 1).find(({ status }) => status !== 'SUCCESS');
  }

  /** Sends the first task that has not succeeded, with `producer`. The result says what was sent. */
  launch(): Promise<Result> {
    return this.launchNext();
  }

  /**
   * Stores the result of a task, and sends the next one; after the last one, or one that failed, the operation ends. A
   * consumer does this for each task that it completes. Throws TransportError.
   */
  async launchNext(task?: Task, result = task?.result): Promise<Result> {
    if (this.tasks.length === 0) return emptyResult(this.uuid);
    if (this.status === 'PENDING') await this.setStatus('RUNNING');
    const run = await OperationRun.begin(this.requiredProducer(), this, { request: 0 });
    if (task === undefined) await run.resume(0);
    else if (result !== undefined) await run.complete(this.indexOf(task), result, task.metadata);
    const sent = await run.advance((status, final) => this.end(run, status, final));
    return sent ?? run.result;
  }

  /**
   * What precedes the first task of an operation that a message asked for: builds the tasks unless that was done, checks the
   * parameters, and changes the status to RUNNING. Throws what these throw.
   */
  async begin(isBuilt: boolean): Promise<void> {
    const span = startSpan(this.path, this.metadata);
    this.beginSpan(span);
    try {
      this.isBuilt = isBuilt;
      await this.postinit();
      await this.prepare();
      await this.setStatus('RUNNING');
    } finally {
      span.end(tagsOf(this.path, this.uuid, this.result));
    }
  }

  /** The last task has ended: calls the hooks of the operation, and stores the outcome. */
  async end(run: OperationRun, status: 'SUCCESS' | 'FAILED', result: Result): Promise<void> {
    if (run.hasEnded) return;
    const final = status === 'SUCCESS' ? await this.succeeded(result) : await this.failed(result);
    await run.end(status, final);
  }

  /** Ends an operation of which no task can run. Returns its final result. */
  fail(result: Result): Promise<Result> {
    this.tasks = [];
    return this.failed(result);
  }

  override async run(): Promise<Result> {
    if (this.tasks.length === 0) return emptyResult(this.uuid);
    let { result } = this;
    for (const task of this.tasks) {
      if (task.status === 'SUCCESS') {
        result = new Result({ uuid: task.uuid }).plus(result).plus(task.result);
        continue;
      }
      task.metadata = { ...this.metadata, ...task.metadata };
      result = await task.execute(result);
      this.metadata = { ...this.metadata, ...task.metadata };
      if (result.retcode !== 0) break;
    }
    return result;
  }

  protected override beginSpan({ traceparent }: TaskSpan): void {
    this.metadata = { ...this.metadata, [traceparentKey]: traceparent };
  }

  protected override async prepare(): Promise<void> {
    if (!this.isBuilt) await this.complete();
    await super.prepare();
  }

  protected override async work(): Promise<Result> {
    await this.setStatus('RUNNING');
    return this.run();
  }

  protected override fold(result: Result): Result {
    return new Result({ uuid: result.uuid }).plus(this.result).plus(result);
  }

  protected override ended(status: 'SUCCESS' | 'FAILED', result: Result): void | Promise<void> {
    return this.setStatus(status, result);
  }

  private indexOf(task: Task): number {
    const index = this.tasks.findIndex(({ uuid }) => uuid === task.uuid);
    if (index < 0) throw new ValidationError(`task ${task.uuid}: is none of ${this.path}[${this.uuid}]`);
    return index;
  }

  private assertParams(params: Fields): void {
    const kind = this.constructor as typeof Operation;
    for (const owner of [kind, ...kind.tasks]) {
      const missing = owner.requiredFields.find((field) => !Object.hasOwn(params, field));
      if (missing !== undefined) throw new ValidationError(`Missing parameter: ${missing} for ${pathOf(owner)}`);
    }
  }
}
