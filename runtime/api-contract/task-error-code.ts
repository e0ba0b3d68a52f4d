/** Errors that workers, or a controller in their place, report; other codes are those of user code. */
export const TaskErrorCode = {
  /** No worker of the task namespace has the task, or had it within the last minute. Terminal. */
  Unknown: 'task-unknown',
  /** Several workers have begun the task, and none has ended it: it ends its workers. Terminal. */
  WorkerLost: 'worker-lost',
  /** The task ran for longer than `timeouts.runMs`. */
  TimedOut: 'run-timeout',
  /** The task was canceled. Terminal. */
  Canceled: 'canceled',
  /** The code ended its process. */
  Exited: 'host-exited',
  /** The process of the code was killed. */
  Crashed: 'host-failed',
  /** The output is no JSON, or larger than 100 MB. Terminal. */
  OutputInvalid: 'output-invalid',
  /** What the worker published is no result of this protocol. Terminal. */
  ResultInvalid: 'result-invalid',
  /** The object of its input is not in the bucket of values. Terminal. */
  MessageInvalid: 'message-invalid',
} as const;

export type TaskErrorCode = (typeof TaskErrorCode)[keyof typeof TaskErrorCode];
