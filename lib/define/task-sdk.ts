import type { Logger } from './logger';

/** The context of one attempt of a step. */
export interface TaskContext {
  /** Tells that the task is alive, and how far it is; the controller shows `progress`, any JSON. */
  heartbeat(progress?: unknown): void;
  /** Aborted when the step is canceled or its run time is over. A task that goes on is killed after a grace period. */
  readonly signal: AbortSignal;
  readonly isCanceled: boolean;
  readonly execution: string;
  /** Name of the task flow. */
  readonly flow?: string;
  /** Index of the step, with the path of its items: `3`, `3.17`. */
  readonly step: string;
  /** `<task namespace>:<name>` */
  readonly task: string;
  /** From 1. */
  readonly attempt: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** W3C trace context of the step, the value of a `traceparent` header. */
  readonly traceParent?: string;
  /** Writes to the log of the worker. */
  readonly logger: Logger;
}

/** A task: gets the input of its step and the parameters, and returns the output, any JSON. What it throws fails the attempt. */
export type TaskFunction<Input = unknown, Output = unknown, Parameters = unknown> = (
  ctx: TaskContext,
  input: Input,
  parameters: Parameters,
) => Output | Promise<Output>;

export interface TaskErrorOptions {
  /** Any JSON, which an error branch gets. */
  readonly details?: unknown;
  /** False: the step is not tried again. Default: true. */
  readonly isRetryable?: boolean;
  /** The next attempt starts after so long, instead of the step's backoff. */
  readonly retryAfterMs?: number;
}

/** A failure with a code, by which the policy of a step decides. */
export class TaskError extends Error {
  override readonly name: string = 'TaskError';
  readonly details: unknown;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: string,
    message: string,
    { details, isRetryable = true, retryAfterMs }: TaskErrorOptions = {},
  ) {
    super(message);
    this.details = details;
    this.isRetryable = isRetryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A failure that no other attempt can mend. */
export class TerminalError extends TaskError {
  override readonly name = 'TerminalError';

  constructor(
    message: string,
    { code = 'TerminalError', details }: { readonly code?: string; readonly details?: unknown } = {},
  ) {
    super(code, message, { details, isRetryable: false });
  }
}
