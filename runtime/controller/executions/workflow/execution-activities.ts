import type { Look, UnseenInput } from '../../../../lib/tasks/advance/execution-state';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionSnapshot } from '../ports/execution-workflow';
import type { ReceivedMarks } from '../ports/signal-marks';
import type { StepRef } from '../ports/step-ref';
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
  /** The output is the input of a map. */
  readonly wantsList?: true;
  /** What a worker may run next, one after the other. */
  readonly next?: readonly FollowingOrder[];
}

/** A step that follows another one in its message: its input is the other's output. */
export type FollowingOrder = Omit<TaskOrder, 'input' | 'next'>;

/** Orders that belong together: of one run of an execution. */
export interface TaskOrders {
  readonly key: ExecutionKey;
  readonly run: number;
  /** Of the claims among values. */
  readonly mark: string;
  readonly flow?: string;
  /** Of the execution; absent if it has none. */
  readonly metadata?: { readonly [name: string]: string };
  readonly received: ReceivedMarks;
  readonly orders: readonly TaskOrder[];
}

/** Inputs of one run of an execution to look into. */
export interface LookOrders extends Pick<TaskOrders, 'key' | 'run' | 'mark'> {
  readonly inputs: readonly UnseenInput[];
}

/**
 * The message was stored as this one of the stream; or it was before, and the result of its task is stored too; or it cannot be
 * sent at all.
 */
export type OrderResult =
  | { readonly sequence: number }
  | { readonly isReported: true }
  | { readonly code: string; readonly message: string };

/** A step that waits for an event or a latch. */
export interface WaitOrder {
  readonly ref: StepRef;
  /** `wait:event`, … */
  readonly base: string;
  readonly parameters: unknown;
  readonly input: unknown;
  readonly mark: string;
  /** When the execution started, in ms since 1970. */
  readonly executionMs: number;
}

export type WaitResult =
  /** Without an output, it is the input. */
  | { readonly kind: 'ended'; readonly output?: unknown }
  | { readonly kind: 'waits' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** An attempt that may have to wait for others of its task, or whose result may be known. */
export interface AdmissionOrder {
  readonly ref: StepRef;
  readonly base: string;
  readonly memoize?: { readonly key: string; readonly maxAgeMs?: number };
  /** Absent once its time has been given out. */
  readonly rate?: { readonly limit: number; readonly perMs: number; readonly key?: string };
  readonly concurrency?: { readonly limit: number; readonly key?: string };
}

export type AdmissionResult =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'known'; readonly output?: unknown }
  /** The rate lets it start then, in ms since 1970. */
  | { readonly kind: 'later'; readonly atMs: number }
  /** It is told when it has a place. */
  | { readonly kind: 'waits' };

/** What an ended attempt leaves. */
export interface LeaveOrder extends Omit<AdmissionOrder, 'rate'> {
  /** Stored for `memoize`. */
  readonly output?: { readonly value: unknown };
}

/**
 * The side effects of the workflow of an execution. Each may run twice. Names and arguments are part of recorded histories
 * and must not change.
 */
export interface ExecutionActivities {
  sendTasks(orders: TaskOrders): Promise<readonly OrderResult[]>;
  withdrawTasks(key: ExecutionKey, tasks: readonly UnwantedTask[]): Promise<readonly Withdrawal[]>;
  /** When workers last sent heartbeats of these tasks, in ms since 1970; undefined for those that have not. */
  lastHeartbeats(namespace: string, ids: readonly string[]): Promise<readonly (number | null)[]>;
  lookInto(orders: LookOrders): Promise<readonly Look[]>;
  beginWaits(namespace: string, waits: readonly WaitOrder[]): Promise<readonly WaitResult[]>;
  /** Steps that do not wait any more. */
  endWaits(namespace: string, waits: readonly Pick<WaitOrder, 'ref' | 'base' | 'parameters'>[]): Promise<void>;
  admit(namespace: string, attempts: readonly AdmissionOrder[], mark: string): Promise<readonly AdmissionResult[]>;
  leave(namespace: string, attempts: readonly LeaveOrder[], mark: string): Promise<void>;
  /** Saves the snapshot, and lists the execution as it is then. */
  keepExecution(snapshot: ExecutionSnapshot, view: ExecutionView): Promise<void>;
  loadExecution(key: ExecutionKey): Promise<ExecutionSnapshot>;
}

/** One attempt of a step that a controller runs. */
export interface CallOrder {
  readonly ref: StepRef;
  readonly namespace: string;
  /** As written; absent for resources. */
  readonly name?: string;
  /** `request:get`, `flow:run`, …; `load` and `store` for resources. */
  readonly base: string;
  readonly uri?: string;
  readonly parameters?: unknown;
  readonly input?: unknown;
  readonly mark: string;
  /** When the attempt began, in ms since 1970. */
  readonly sinceMs?: number;
}

export type CallResult =
  | { readonly kind: 'succeeded'; readonly output?: unknown }
  /** Whoever was called reports the end of the attempt. */
  | { readonly kind: 'waits' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly details?: unknown };

/** What takes long, and is retried by another controller when one ends. */
export interface ExecutionCalls {
  callStep(order: CallOrder): Promise<CallResult>;
}
