import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionSnapshot } from '../ports/execution-workflow';
import type { UnwantedTask, Withdrawal } from '../ports/task-bus';

/** One attempt of a step, for a worker. */
export interface TaskOrder {
  readonly step: string;
  readonly attempt: number;
  /** As written, and after aliases. */
  readonly name: string;
  readonly base: string;
  readonly parameters?: unknown;
  readonly input?: unknown;
  /** Limits that the worker has to know. */
  readonly timeouts?: { readonly startMs?: number; readonly runMs?: number; readonly heartbeatMs?: number };
}

/** Orders that belong together: of one run of an execution. */
export interface TaskOrders {
  readonly key: ExecutionKey;
  readonly run: number;
  readonly flow?: string;
  readonly orders: readonly TaskOrder[];
}

/** The message was stored as this one of the stream, or cannot be sent at all. */
export type OrderResult = { readonly sequence: number } | { readonly code: string; readonly message: string };

/**
 * The side effects of the workflow of an execution. Each may run twice. Names and arguments are part of recorded histories
 * and must not change.
 */
export interface ExecutionActivities {
  sendTasks(orders: TaskOrders): Promise<readonly OrderResult[]>;
  withdrawTasks(key: ExecutionKey, tasks: readonly UnwantedTask[]): Promise<readonly Withdrawal[]>;
  /** Saves the snapshot, and lists the execution as it is then. */
  keepExecution(snapshot: ExecutionSnapshot, view: ExecutionView): Promise<void>;
  loadExecution(key: ExecutionKey): Promise<ExecutionSnapshot>;
}
