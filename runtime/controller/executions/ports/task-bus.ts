import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { Heartbeat, TaskMessage, TaskResult, WorkerEntry } from '../../../api-contract/task-message';
import type { StepReport } from './execution-workflow';
import type { ReceivedMarks } from './signal-marks';
import type { StepRef } from './step-ref';

/** A task message that was stored. */
export interface SentTask {
  /** In the stream of tasks. */
  readonly sequence: number;
}

/** A task that is not wanted any more. */
export interface UnwantedTask {
  readonly id: string;
  /** `<task namespace>:<name>`. */
  readonly task: string;
  /** Absent: the message is kept, and workers are told only. */
  readonly sequence?: number;
}

/**
 * `withdrawn`: no worker has it, and none gets it; `told`: a worker has, or had it, and its task namespace was told.
 */
export type Withdrawal = 'withdrawn' | 'told';

/** A heartbeat of a task. */
export interface TaskBeat {
  /** In ms since 1970. */
  readonly atMs: number;
  /** What the task has reported with it. */
  readonly progress?: unknown;
}

/** A message of the stream of results that is no result, and what it says of its task. */
export interface MalformedResult {
  /** From the subject. */
  readonly execution: string;
  readonly token?: string;
  /** What may be the id of the task. */
  readonly ids: readonly string[];
  /** What is wrong with it. */
  readonly fault: string;
}

/** Takes what workers report. */
export interface TaskReports {
  /** Resolves when the result is with its execution; if it throws, the result is delivered again. */
  result(namespace: string, result: TaskResult): Promise<void>;
  /** Fails the attempt that the message belongs to. Resolves with whether it says which; throws as `result` does. */
  malformed(namespace: string, result: MalformedResult): Promise<boolean>;
  /** Whether the heartbeat is of an attempt that its execution waits for. */
  isWanted(namespace: string, heartbeat: Heartbeat): Promise<boolean>;
  /** Asks the execution now whether it has received the results that it was sent. */
  confirm(execution: ExecutionKey): Promise<void>;
}

/** Takes what a controller itself knows of a step. */
export interface StepReports {
  /** Resolves when Temporal has it. */
  tell(namespace: string, ref: StepRef, report: Pick<StepReport, 'kind' | 'output' | 'error'>): Promise<void>;
}

/** Is told what executions have received. */
export interface ReportReceipts {
  received(execution: ExecutionKey, marks: ReceivedMarks): void;
  /** The execution is stored as it ended: it needs no results any more. */
  ended(execution: ExecutionKey): void;
}

/**
 * Tasks and their results, between executions and the workers of a namespace. Throws StoreError `stream-failed` when the
 * server refuses or does not respond.
 */
export interface TaskBus {
  /** Reads the results and heartbeats of a namespace until `close`; at a second call, does nothing. */
  listen(namespace: string, reports: TaskReports): Promise<void>;
  /** Stores tasks for their workers. A message with the id of an earlier one is not stored again within two minutes. */
  send(namespace: string, messages: readonly TaskMessage[]): Promise<readonly SentTask[]>;
  /**
   * Ids of the tasks of an execution whose results are stored and not with the execution yet. Read only while the server may
   * store a message twice, empty otherwise.
   */
  reported(execution: ExecutionKey): Promise<ReadonlySet<string>>;
  /** Withdraws tasks, and tells the workers that may have them. */
  withdraw(namespace: string, tasks: readonly UnwantedTask[]): Promise<readonly Withdrawal[]>;
  /** The last heartbeats of these tasks. */
  lastHeartbeats(namespace: string, ids: readonly string[]): Promise<readonly (TaskBeat | undefined)[]>;
  /** Live workers. */
  workers(namespace: string): Promise<readonly WorkerEntry[]>;
  close(): Promise<void>;
}
