import type { ExecutionInput } from '../ports/execution-workflow';
import type { CallOrder, CallResult, ExecutionActivities } from './execution-activities';

/** The parts of Temporal that the workflow of an execution uses; tests implement it without a server. */
export interface ExecutionRuntime {
  readonly activities: ExecutionActivities;
  /** Runs a step on a controller; a cancel ends it with a failure `canceled`. */
  call(order: CallOrder): PendingCall;
  /** Milliseconds since 1970; the same in every replay, as `random` is. */
  now(): number;
  random(): number;
  /** When the server took the start of this run: its first move may be much later. In ms since 1970. */
  takenMs(): number;
  /** The execution in the id of the workflow: that of the schedule, and the time for which it started. */
  scheduledId(): string;
  /** Resolves when the condition holds, or after the timeout. */
  waitUntil(condition: () => boolean, timeoutMs?: number): Promise<unknown>;
  /** Whether no request is in progress. */
  areRequestsHandled(): boolean;
  /** Whether the history of this run exceeds the limit, or the server suggests to continue as new. */
  isHistoryLong(limit: number): boolean;
  /** Ends this run and starts the next; never resolves. */
  continueAsNew(input: ExecutionInput): Promise<never>;
}

export interface PendingCall {
  readonly result: Promise<CallResult>;
  cancel(): void;
}
