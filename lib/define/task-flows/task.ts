import type { PolicyDocument } from '../../tasks/document/policy-schema';

declare const carried: unique symbol;

export interface TaskOptions {
  /** The task that a worker runs, if `name` is another name for it. */
  readonly base?: string;
  /** Any JSON. */
  readonly parameters?: unknown;
  /** How the task is retried, timed and limited. */
  readonly policy?: PolicyDocument;
}

/** A task of a worker: its name, and the types of its input and output. */
export class Task<In, Out> {
  // a function type, so that a task which accepts more fits, too
  declare readonly [carried]?: (input: In) => Out;

  constructor(
    readonly name: string,
    readonly options: TaskOptions,
  ) {}

  /** The same task with other parameters or another policy; both are merged key by key. */
  with({ parameters, policy }: Omit<TaskOptions, 'base'>): Task<In, Out> {
    const { options } = this;
    return new Task(this.name, {
      ...options,
      parameters: merged(options.parameters, parameters),
      policy: merged(options.policy, policy),
    });
  }
}

/** Names a task, such as `mail:send`, with the types of its input and output. */
export function task<In = unknown, Out = unknown>(name: string, options: TaskOptions = {}): Task<In, Out> {
  return new Task(name, options);
}

function merged<T>(base: T, over: T): T {
  const isMap = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap(base) && isMap(over) ? { ...base, ...over } : (over ?? base);
}
