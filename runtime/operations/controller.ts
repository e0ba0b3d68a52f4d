import { type EntrypointClass, entrypointOf, isEntrypointClass } from './entrypoint';
import { Message } from './messages/message';
import { ValidationError } from './messages/operation-error';
import { Result } from './messages/result';
import { writeLog } from './observe/task-log';

/** Routes messages to the entrypoints that are registered under a path. */
export class Controller {
  readonly entrypoints = new Map<string, EntrypointClass>();

  /** Registers a class. Of two with the same name, the first one stays. Throws ValidationError for what is no class of tasks. */
  register(name: string, callback: unknown): void {
    if (!isEntrypointClass(callback)) {
      throw new ValidationError(`${name}: want a class of Task or Operation, got ${typeof callback}`);
    }
    if (!this.entrypoints.has(name)) this.entrypoints.set(name, callback);
  }

  /** To implement: called for each message before it is run. */
  onmessage(_message: Message): void | Promise<void> {}

  /** To implement: called for each message whose result has the retcode 0. */
  onsuccess(_message: Message, _result: Result): void | Promise<void> {}

  /** To implement: called for each other message; without a message if there was none in the text. */
  onerror(_message: Message | undefined, _result: Result): void | Promise<void> {}

  /** Runs what a message asks for, in this process; all tasks of an operation too. Never throws. */
  async run(raw: string): Promise<Result> {
    const message = await this.parse(raw);
    return message instanceof Result ? message : this.settle(message, await this.execute(message));
  }

  /** The message of a text, or the result of one that is none, which is logged with the text. */
  async parse(raw: string): Promise<Message | Result> {
    try {
      const message = Message.parse(raw);
      await this.onmessage(message);
      return message;
    } catch (error) {
      return this.rejected(raw, error);
    }
  }

  async rejected(raw: string, error: unknown): Promise<Result> {
    const result = Result.fromException(error);
    writeLog('ERROR', `Controller.ImportError: ${result}`, { result, raw });
    await this.call(() => this.onerror(undefined, result));
    return result;
  }

  /** Throws ValidationError that lists the registered entrypoints if the message's is not one. */
  find({ entrypoint }: Message): EntrypointClass {
    const found = this.entrypoints.get(entrypoint);
    if (found !== undefined) return found;
    const known = [...this.entrypoints.keys()].sort().join(', ') || 'none';
    throw new ValidationError(`entrypoint ${entrypoint}: unknown; registered are: ${known}`);
  }

  /** Logs how a message ended, and calls `onsuccess` or `onerror`. */
  async settle(message: Message, result: Result): Promise<Result> {
    const isSuccess = result.retcode === 0;
    const phase = isSuccess ? 'Success' : 'Failed';
    writeLog(isSuccess ? 'INFO' : 'ERROR', `Controller.${phase}: ${message}: ${result}`, { message, result });
    await this.call(() => (isSuccess ? this.onsuccess(message, result) : this.onerror(message, result)));
    return result;
  }

  private async execute(message: Message): Promise<Result> {
    try {
      return await entrypointOf(this.find(message), message).execute();
    } catch (error) {
      return Result.fromException(error, message.uuid);
    }
  }

  private async call(hook: () => void | Promise<void>): Promise<void> {
    try {
      await hook();
    } catch (error) {
      writeLog('ERROR', `Controller.Hook: ${error}`, { error });
    }
  }
}
