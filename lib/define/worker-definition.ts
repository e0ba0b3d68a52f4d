import { ConfigError } from '../errors';
import type { WorkerDocument } from '../tasks/worker/worker-schema';
import { codeSettings } from './code-settings';
import type { FunctionCode } from './function-code';
import { resolveValue } from './resolve-document';
import type { TaskFunction } from './task-sdk';

type Task = WorkerDocument['tasks'][string];

/** A task of a worker in TypeScript: its function, or a reference to one, with its parameters and policy. */
interface TaskOptions extends Pick<Task, 'parameters' | 'policy'> {
  // biome-ignore lint/suspicious/noExplicitAny: each task has types of its own
  readonly run: FunctionCode<TaskFunction<any, any, any>>;
}

/** A worker document whose tasks have functions. */
export interface WorkerOptions extends Omit<WorkerDocument, 'tasks'> {
  readonly tasks: { readonly [name: string]: TaskOptions };
  /** The folder from which paths of modules start. Default: that of the program. */
  readonly directory?: string;
}

/** A task worker as code. */
export class WorkerDefinition {
  constructor(readonly options: WorkerOptions) {}

  /**
   * The worker document, equivalent to its YAML form. Throws ConfigError with every task whose code cannot be written as text, or
   * does not exist.
   */
  document(): WorkerDocument {
    const { tasks, directory, ...others } = this.options;
    const faults: string[] = [];
    const written = Object.entries(tasks).map(([name, { run, ...task }]) => {
      try {
        return [name, { ...codeSettings(run, directory), ...task }] as const;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        faults.push(`${name}: ${error.message}`);
        return [name, task] as const;
      }
    });
    const { value, faults: misplaced } = resolveValue({ ...others, tasks: Object.fromEntries(written) });
    if (faults.length + misplaced.length > 0)
      throw new ConfigError('config-invalid', [...faults, ...misplaced].join('\n'));
    return value;
  }
}

/** Declares a task worker in TypeScript: `kflow worker`, `submit` and `synth` take a file that exports one. */
export function defineWorker(options: WorkerOptions): WorkerDefinition {
  return new WorkerDefinition(options);
}
