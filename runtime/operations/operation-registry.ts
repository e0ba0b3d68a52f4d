import { Controller } from './controller';
import { type EntrypointClass, isEntrypointClass, pathOf } from './entrypoint';
import { ValidationError } from './messages/operation-error';
import { writeLog } from './observe/task-log';

/** Registers tasks and operations by their path, for a consumer: `consumer.registry = registry.controller`. */
export class OperationRegistry {
  constructor(readonly controller: Controller = new Controller()) {}

  /** To implement: imports modules whose tasks are registered. `initApp` calls it. */
  loadTasks(): void | Promise<void> {}

  /** Loads tasks, for the application that is given, of any kind. */
  async initApp(_app?: unknown): Promise<void> {
    await this.loadTasks();
  }

  /**
   * Registers a task or an operation, and returns it. Of two with the same path, the first one stays. Throws ValidationError
   * for anything else.
   */
  subscribe<Kind extends EntrypointClass>(callback: Kind): Kind {
    if (!isEntrypointClass(callback)) throw new ValidationError(`${callback}: want a class of Task or Operation`);
    const path = pathOf(callback);
    this.controller.register(path, callback);
    writeLog('INFO', `Operation registry: loaded ${path}`);
    return callback;
  }
}
