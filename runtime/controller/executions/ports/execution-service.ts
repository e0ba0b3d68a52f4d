import type { TaskGraph } from '../../../../lib/tasks/graph/task-graph';
import type {
  ApproveRequest,
  CancelRequest,
  EndStepRequest,
  ExecutionArchive,
  ResumeRequest,
  ScheduleSpec,
  ScheduleView,
  StartRequest,
} from '../../../api-contract/execution-changes';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import type {
  ExecutionDetail,
  ExecutionList,
  ExecutionQuery,
  ExecutionView,
  TraceEntry,
} from '../../../api-contract/execution-status';
import type { DocumentProblem } from '../../../api-contract/problem';
import type {
  EndTask,
  PublishEvent,
  TaskEventQuery,
  TaskEventView,
  TaskWorkerView,
} from '../../../api-contract/task-events';
import type { Requester } from '../../flows/ports/flow-service';

export interface StartResult {
  /** `attached`: an execution with this id existed, and nothing was started. */
  readonly outcome: 'started' | 'attached';
  readonly execution: ExecutionView;
  readonly warnings?: readonly DocumentProblem[];
}

/** `over`: the execution does not wait for the attempt any more; `unknown`: the token is none of the namespace. */
export type TaskEnd = 'ended' | 'over' | 'unknown';

/** The state of the steps of an execution by node, as the routes of the document have them. */
export interface ExecutionRecord {
  readonly graph: TaskGraph;
  readonly detail: ExecutionDetail;
  readonly trace: readonly TraceEntry[];
}

/**
 * The operations of the API on executions. A change resolves when the workflow has accepted it. Throws
 *
 * - TopologyError with every problem of a task flow;
 * - StateError `execution-missing`; `execution-exists` for a restore to an id that exists; `state-invalid` when the phase, which
 *   the message names, does not allow the request; `step-missing` for a step that does not run, or does not wait for a decision; `answers-invalid`
 *   for answers that do not fit the form; `schedule-missing`;
 * - StoreError, or ConfigError `server-failed`, when a server behind the controller does not respond.
 */
export interface ExecutionService {
  /** Starts an execution, or attaches to the one with this id. */
  start(namespace: string, request: StartRequest, requester: Requester): Promise<StartResult>;
  /** Creates a schedule, or replaces the one with this id. */
  schedule(
    namespace: string,
    request: StartRequest & { readonly schedule: ScheduleSpec },
    requester: Requester,
  ): Promise<ScheduleView>;
  schedules(namespace: string | undefined): Promise<readonly ScheduleView[]>;
  /** Removes a schedule; executions that it started are left alone. */
  unschedule(namespace: string, schedule: string, requester: Requester): Promise<void>;
  /** The newest first. Without a namespace, those of all namespaces. */
  list(namespace: string | undefined, query: ExecutionQuery): Promise<ExecutionList>;
  get(key: ExecutionKey): Promise<ExecutionDetail>;
  /** Everything about an execution at one time. */
  record(key: ExecutionKey): Promise<ExecutionRecord>;
  /** The oldest first. */
  trace(key: ExecutionKey): Promise<readonly TraceEntry[]>;
  /** The current state, then the state after each change, until the execution has ended or the signal is aborted. */
  follow(key: ExecutionKey, signal: AbortSignal): AsyncIterable<ExecutionDetail>;
  /** The execution once it has ended; after that time, as it is then. */
  wait(key: ExecutionKey, atMostMs: number, signal: AbortSignal): Promise<ExecutionDetail>;
  cancel(key: ExecutionKey, request: CancelRequest, requester: Requester): Promise<ExecutionView>;
  /** Ends an execution at once, without its finally step. */
  terminate(key: ExecutionKey, requester: Requester): Promise<ExecutionView>;
  resume(key: ExecutionKey, request: ResumeRequest, requester: Requester): Promise<ExecutionView>;
  approve(key: ExecutionKey, request: ApproveRequest, requester: Requester): Promise<ExecutionView>;
  /** Ends a running step in place of whoever runs it, or a wait before its time. */
  endStep(key: ExecutionKey, request: EndStepRequest, requester: Requester): Promise<ExecutionView>;
  archive(key: ExecutionKey): Promise<ExecutionArchive>;
  /** Writes an archive to `s3://bucket/key`. Throws as `StoredObjects` does. */
  storeArchive(uri: string, archive: object): Promise<void>;
  /** Reads an archive that either family of routes has written. Throws as `StoredObjects` does. */
  loadArchive(uri: string): Promise<ExecutionArchive>;
  /** Stores an archived execution, stopped. Without an id, under that of the archive if it is free, else under a new one. */
  restore(
    namespace: string,
    request: { readonly archive: ExecutionArchive; readonly id?: string },
    requester: Requester,
  ): Promise<ExecutionView>;
  /** Removes an ended execution with its record. */
  delete(key: ExecutionKey, requester: Requester): Promise<void>;
  publishEvent(namespace: string, event: PublishEvent, requester: Requester): Promise<TaskEventView>;
  /** The last events, the oldest first, those of the archive included. */
  events(namespace: string, query: TaskEventQuery): Promise<readonly TaskEventView[]>;
  /** The last events, then every new one, and every event again when it gets a receipt, until the signal is aborted. */
  followEvents(namespace: string, query: TaskEventQuery, signal: AbortSignal): Promise<AsyncIterable<TaskEventView>>;
  /** Ends an attempt of a task, by its token. */
  endTask(namespace: string, end: EndTask): Promise<TaskEnd>;
  /** The live workers. */
  workers(namespace: string): Promise<readonly TaskWorkerView[]>;
}
