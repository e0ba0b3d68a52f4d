import { randomUUID } from 'node:crypto';
import { type Fields, Message } from './messages/message';
import { OperationError, ValidationError } from './messages/operation-error';
import { Result } from './messages/result';
import { type Logged, type TaskLogLevel, writeLog } from './observe/task-log';
import { currentMetrics } from './observe/task-metrics';
import { startSpan, type TaskSpan, tagsOf } from './observe/task-tracer';

export interface EntrypointProps {
  /** Default: a new one. */
  readonly uuid?: string;
  readonly params?: Fields;
  /** Of the task before. */
  readonly result?: Result;
  readonly metadata?: Fields;
}

/** What a run returns: a result, or nothing for an empty one. */
// biome-ignore lint/suspicious/noConfusingVoidType: a run without a return statement has an empty result
export type Returned = Result | void;

/** A class of entrypoints. */
export interface EntrypointClass<Kind extends Entrypoint = Entrypoint> {
  // biome-ignore lint/suspicious/noExplicitAny: the props of tasks and of operations differ
  new (props?: any): Kind;
  readonly name: string;
  readonly module: string;
  readonly path?: string;
  readonly requiredFields: readonly string[];
}

/**
 * A named piece of work. Its name is `path`, by default that of its class after its `module`.
 *
 * `execute` calls the hooks in this order: `postinit`, `prerun`, `run`, `postrun`, and then `onsuccess` or `onerror`. Each may
 * be asynchronous. A run that throws, and one whose result has another `retcode` than 0, have failed. `postrun` follows each
 * run, `onerror` each failure.
 */
export class Entrypoint {
  /** The module in the names of classes. `__main__` is that of the program that Python was started with. */
  static readonly module: string = '__main__';
  /** Set it where the name of the class is not kept, as in minified code. */
  static readonly path?: string;
  /** Parameters without which `run` is not called. */
  static readonly requiredFields: readonly string[] = [];

  readonly uuid: string;
  params: Fields;
  result: Result;
  metadata: Fields;
  private readonly forwarded: Result | undefined;

  constructor({ uuid, params = {}, result, metadata = {} }: EntrypointProps = {}) {
    this.uuid = uuid ?? randomUUID();
    this.params = params;
    this.metadata = metadata;
    this.forwarded = result;
    this.result = new Result({ uuid: this.uuid }).plus(result);
  }

  get path(): string {
    return pathOf(this.constructor as EntrypointClass);
  }

  toMessage(result = this.result): Message {
    const { uuid, path: entrypoint, params, metadata } = this;
    return new Message({ uuid, entrypoint, params, result, metadata });
  }

  /** To implement: what precedes everything else. If it throws, the run fails and `run` is not called. */
  postinit(): void | Promise<void> {}

  /** To implement: what precedes the run. If it throws, `run` is not called. */
  prerun(): void | Promise<void> {}

  /** To implement: the work. */
  run(): Returned | Promise<Returned> {
    throw new OperationError(`${this.path}: run is not implemented`);
  }

  /** To implement: what follows the run, also one that failed. */
  postrun(_result: Result): void | Promise<void> {}

  /** To implement: what follows success. Gets the folded result, and returns the one to go on with. */
  onsuccess(result: Result): Result | Promise<Result> {
    return result;
  }

  /** To implement: what follows a failure. Gets the folded result, whose `retval.error` is the error if one was thrown. */
  onerror(result: Result): Result | Promise<Result> {
    return result;
  }

  /** Runs with the result of what was before. Never throws: a failure is a result. */
  async execute(result?: Result): Promise<Result> {
    const span = startSpan(this.path, this.metadata);
    this.beginSpan(span);
    const final = await this.unsafeExecute(result).catch((error) =>
      this.failed(Result.fromException(error, this.uuid)),
    );
    span.end(tagsOf(this.path, this.uuid, final), final.retcode === 0 ? undefined : final.stderr);
    return final;
  }

  /** As `execute`, but throws what the hooks throw other than `run`. */
  async unsafeExecute(result?: Result): Promise<Result> {
    this.result = new Result({ uuid: this.uuid }).plus(this.forwarded).plus(result);
    await this.postinit();
    await this.prepare();
    const ended = await this.work();
    this.write('DEBUG', 'PostRun', '', { result: ended });
    await this.postrun(ended);
    return ended.retcode === 0 ? this.succeeded(ended) : this.failed(ended);
  }

  log(message: string, level: TaskLogLevel = 'INFO'): void {
    this.write(level, 'MESSAGE', `: ${message}`);
  }

  protected beginSpan(_span: TaskSpan): void {}

  protected async prepare(): Promise<void> {
    const { requiredFields } = this.constructor as EntrypointClass;
    const missing = requiredFields.find((field) => !Object.hasOwn(this.params, field));
    if (missing !== undefined) {
      throw new ValidationError(`Missing parameter: ${missing}`, { extra: { uuid: this.uuid } });
    }
    this.write('DEBUG', 'PreRun');
    await this.prerun();
  }

  protected async work(): Promise<Result> {
    currentMetrics().started(this.path);
    this.write('DEBUG', 'Run');
    try {
      const returned: unknown = await this.run();
      if (returned instanceof Result) return returned;
      if (returned === undefined || returned === null) return new Result({ uuid: this.uuid });
      throw new OperationError(`${this.path}: run returned ${typeof returned}; return a Result`);
    } catch (error) {
      return Result.fromException(error, this.uuid);
    }
  }

  protected async succeeded(result: Result): Promise<Result> {
    const folded = this.fold(result);
    this.result = (await this.onsuccess(folded)) ?? folded;
    await this.ended('SUCCESS', this.result);
    this.write('INFO', 'Success', `: ${this.result}`, { result: this.result });
    return this.result;
  }

  protected async failed(result: Result): Promise<Result> {
    this.result = this.fold(result);
    await this.attempt(async () => {
      this.result = (await this.onerror(this.result)) ?? this.result;
    });
    await this.attempt(() => this.ended('FAILED', this.result));
    this.write('ERROR', 'Failed', `: ${this.result}`, { result: this.result });
    return this.result;
  }

  /** Calls a hook of a failure; a failure of its own is only logged. */
  private async attempt(hook: () => void | Promise<void>): Promise<void> {
    try {
      await hook();
    } catch (error) {
      this.write('ERROR', 'OnError', `: ${error}`, { error });
    }
  }

  protected fold(result: Result): Result {
    return this.result.plus(result);
  }

  protected ended(status: 'SUCCESS' | 'FAILED', _result: Result): void | Promise<void> {
    currentMetrics().ended(this.path, status);
  }

  /** `<Class>.<phase>: <path>[<uuid>]<text>` */
  protected write(level: TaskLogLevel, phase: string, text = '', about: Logged = {}): void {
    writeLog(level, `${this.constructor.name}.${phase}: ${this.path}[${this.uuid}]${text}`, {
      message: this.toMessage(),
      ...about,
    });
  }
}

/** The name under which messages ask for a class. */
export function pathOf(kind: Pick<EntrypointClass, 'name' | 'module' | 'path'>): string {
  return Object.hasOwn(kind, 'path') && kind.path !== undefined ? kind.path : `${kind.module}.${kind.name}`;
}

export function isEntrypointClass(value: unknown): value is EntrypointClass {
  return typeof value === 'function' && value.prototype instanceof Entrypoint;
}

export function entrypointOf<Kind extends Entrypoint>(kind: EntrypointClass<Kind>, message: Message): Kind {
  const { uuid, params, result, metadata } = message;
  return new kind({ uuid, params, result, metadata });
}
