import type { ExecutionState } from '../../../../lib/tasks/advance/execution-state';
import type { StepId } from '../../../../lib/tasks/advance/step-id';
import type { TaskGraph } from '../../../../lib/tasks/graph/task-graph';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { TaskError } from '../../../api-contract/task-message';
import type { ReceivedMarks, SignalMark } from './signal-marks';
import type { StepRef } from './step-ref';

/**
 * What passes between the controller and the workflows of executions, which may be older than the controller. Names and fields
 * are part of recorded histories and must not change.
 */
export const executionType = 'KFlowExecution';

/** Signal with the results of steps: `StepReport[]`, and its `SignalMark`. */
export const reportSignal = 'reports';
/** Update with an `ExecutionCommand`. */
export const commandUpdate = 'command';
/**
 * Update with `Question[]`. It is always rejected, so that the history has nothing of it; the failure has the type `answered` and
 * the `Answer[]`. A query must not take its place: one that meets a local activity is answered before the workflow knows the
 * result of the activity, which the history has already, and the history does not replay any more (@temporalio/worker 1.24).
 */
export const askUpdate = 'ask';
export const answered = 'answered';
/** Query of a `SnapshotAnswer`, for workflows that have ended. */
export const snapshotQuery = 'snapshot';

const idPrefix = 'execution/';

/** The workflow id. Those of flows have no third part. */
export function executionWorkflowId({ namespace, execution }: ExecutionKey): string {
  return `${idPrefix}${namespace}/${execution}`;
}

/** The inverse of `executionWorkflowId`; undefined for other ids. */
export function parseExecutionWorkflowId(id: string): ExecutionKey | undefined {
  const [, namespace, execution] = /^execution\/([^/]+)\/(.+)$/.exec(id) ?? [];
  return namespace === undefined || execution === undefined ? undefined : { namespace, execution };
}

/** What is fixed about an execution when it begins. */
export interface ExecutionDefinition extends ExecutionKey {
  /** Name of the flow. */
  readonly name?: string;
  readonly attributes: { readonly [name: string]: string };
  readonly by: string;
  readonly comment?: string;
  readonly schedule?: string;
  /** Differs when an execution was deleted and another one has its id. */
  readonly incarnation: string;
}

export interface ExecutionLimits {
  /** History events after which the workflow continues in a new run. */
  readonly historyLength: number;
  /** How long a cancel waits for running tasks. */
  readonly cancelGraceMs: number;
  /** What follows in the message of a step. Absent in executions of earlier versions: nothing. */
  readonly following?: FollowingLimits;
  /** Reports are taken before tasks are sent. Absent in executions of earlier versions, whose histories have another order. */
  readonly reportsFirst?: true;
  /**
   * Steps that controllers run at a time. Absent in executions of earlier versions: any number, and none of them passes over to
   * the next run of the workflow.
   */
  readonly calls?: number;
}

export interface FollowingLimits {
  readonly steps: number;
  /** Of the JSON of their parameters. */
  readonly length: number;
}

/** Argument of the workflow. */
export interface ExecutionInput {
  readonly limits: ExecutionLimits;
  readonly begin:
    | {
        readonly kind: 'start';
        readonly definition: ExecutionDefinition;
        readonly graph: TaskGraph;
        readonly input: unknown;
        /** Nobody has listed the execution yet: a schedule started it, and its id is that of the workflow. */
        readonly isScheduled?: true;
      }
    /** The next run, with the state of this one. */
    | { readonly kind: 'continue'; readonly snapshot: ExecutionSnapshot }
    /** As `continue` and `resume`, with the snapshot in the store: it is too large to pass on. */
    | { readonly kind: 'stored'; readonly key: ExecutionKey; readonly resume?: Resume }
    | { readonly kind: 'resume'; readonly snapshot: ExecutionSnapshot; readonly resume: Resume };
}

export interface Resume {
  readonly by: string;
  readonly comment?: string;
  readonly input?: { readonly value: unknown };
  readonly inputs?: { readonly [step: StepId]: unknown };
  readonly from?: readonly StepId[];
  readonly graph?: TaskGraph;
}

/**
 * What a worker, or the controller in its place, reports of one attempt of a step. `place`: it has got a place below its
 * concurrency limit. A wait that is over has `succeeded`, without an output if that is the input. `returned`: another worker
 * has got the message, so that the one that had it does not go on with what follows.
 */
export interface StepReport {
  readonly step: StepId;
  /** Run of the execution and attempt of the step: reports of earlier ones change nothing. */
  readonly run: number;
  readonly attempt: number;
  readonly head?: string;
  readonly kind: 'receipt' | 'succeeded' | 'failed' | 'place' | 'returned';
  /** ISO time. */
  readonly at: string;
  readonly worker?: string;
  readonly output?: unknown;
  readonly error?: TaskError;
  /** The worker runs the next step of its message. */
  readonly continues?: true;
}

/**
 * Whether a report of an attempt would change anything. `continued`: the attempt has ended, and another worker than the one
 * that asks was to go on with what follows.
 */
export type AttemptAnswer = boolean | 'continued';

export type Question =
  | { readonly kind: 'snapshot' }
  /** Whether the current attempt of a step is this one, for a worker. */
  | { readonly kind: 'attempt'; readonly ref: Omit<StepRef, 'execution'>; readonly worker?: string }
  /** Which of these signals have not been received. */
  | { readonly kind: 'unreceived'; readonly marks: readonly SignalMark[] };

/** By the kind of the question. `snapshot` is null before the execution has begun; `unreceived` are numbers. */
export interface Answers {
  readonly snapshot: SnapshotAnswer | null;
  readonly attempt: AttemptAnswer;
  readonly unreceived: readonly number[];
}

export type Answer = Answers[keyof Answers];

export type ExecutionCommand =
  | { readonly kind: 'cancel'; readonly graceMs?: number; readonly by: string; readonly comment?: string }
  | { readonly kind: 'terminate'; readonly by: string; readonly comment?: string }
  | {
      readonly kind: 'decide';
      readonly step?: StepId;
      readonly isApproved: boolean;
      readonly answers: { readonly [field: string]: unknown };
      readonly by: string;
      readonly comment?: string;
    }
  /** Ends a running step in place of whoever runs it. */
  | {
      readonly kind: 'end';
      readonly step: StepId;
      readonly output?: unknown;
      readonly error?: TaskError;
      readonly by: string;
      readonly comment?: string;
    }
  /** Saves the snapshot: it is too large for a query. */
  | { readonly kind: 'save' };

/** Times of a step instance, in ms since 1970, and what its current attempt waits for. */
export interface StepNote {
  readonly startedMs: number;
  /** Begun attempts; 0 for steps that no worker runs. */
  readonly attempt: number;
  /** When the task message of the attempt was stored, and as which one of the stream. */
  readonly sentMs?: number;
  readonly sequence?: number;
  readonly takenMs?: number;
  readonly worker?: string;
  readonly endedMs?: number;
  /** When the next attempt starts, or a wait ends by itself. */
  readonly dueMs?: number;
  /** The last heartbeat that is known. */
  readonly beatMs?: number;
  /** It waits for a place below its concurrency limit. */
  readonly isQueued?: true;
  /** Its rate has given it a time to start: `dueMs` until then. */
  readonly isPaced?: true;
  readonly failures?: readonly AttemptFailure[];
  /** The next run of the workflow has a controller run it. */
  readonly isCallDue?: true;
  /** When a worker that was told to stop is not waited for any more. */
  readonly giveUpMs?: number;
  /** The steps that are in the message of the attempt, besides its own. */
  readonly next?: readonly StepId[];
  /** The message in which a worker got the step, if not its own; `isReturned`: it was sent by itself since. */
  readonly head?: string;
  readonly isReturned?: true;
}

interface AttemptFailure extends TaskError {
  readonly attempt: number;
  readonly atMs: number;
  readonly worker?: string;
}

/** An entry of the trace that is of the execution itself, or of what a person did with a step. */
export interface LogEntry {
  readonly atMs: number;
  readonly what:
    | 'started'
    | 'canceling'
    | 'resumed'
    | 'restored'
    | 'decided'
    | 'ended'
    | 'completed'
    | 'failed'
    | 'stopped';
  /** The step that was decided or ended. */
  readonly step?: StepId;
  readonly by?: string;
  readonly comment?: string;
}

/** Everything about an execution, as JSON: it is stored, archived, and passed on to the next run of the workflow. */
export interface ExecutionSnapshot {
  readonly v: 1;
  readonly definition: ExecutionDefinition;
  readonly graph: TaskGraph;
  readonly state: ExecutionState;
  /** 1, and one more after each resume. */
  readonly run: number;
  readonly startedMs: number;
  readonly endedMs?: number;
  readonly notes: { readonly [step: StepId]: StepNote };
  readonly log: readonly LogEntry[];
  /** Reports of attempts that have not begun. */
  readonly early?: readonly StepReport[];
  readonly received?: ReceivedMarks;
  /** Ended at once, by a terminate. */
  readonly isTerminated?: true;
}

/** A snapshot, unless it is too large for an answer. */
export type SnapshotAnswer = { readonly snapshot: ExecutionSnapshot } | { readonly isTooLarge: true };

export interface ExecutionRun {
  readonly runId: string;
  readonly isOpen: boolean;
  /** Of the execution's definition. */
  readonly incarnation: string | undefined;
  readonly closedMs?: number;
}

/** Workflows of executions. Throws ConfigError `server-failed` when the server does not respond in time. */
export interface ExecutionWorkflows {
  /** Starts a workflow; false when one with this id runs. */
  start(
    definition: Pick<ExecutionDefinition, 'namespace' | 'execution' | 'incarnation'>,
    input: ExecutionInput,
  ): Promise<boolean>;
  describe(key: ExecutionKey): Promise<ExecutionRun | undefined>;
  /** The executions whose workflows run. One that started or ended a moment ago may be told wrongly. */
  open(): Promise<readonly ExecutionKey[]>;
  /** False when the workflow does not run. A signal with the mark of one that was received changes nothing. */
  report(key: ExecutionKey, reports: readonly StepReport[], mark: SignalMark): Promise<boolean>;
  /** Numbers of the signals that a workflow which runs has not received. */
  unreceived(key: ExecutionKey, marks: readonly SignalMark[]): Promise<readonly number[]>;
  /** What a worker is to know of an attempt. */
  isWaitingFor(key: ExecutionKey, attempt: StepRef, worker?: string): Promise<AttemptAnswer>;
  /** Throws StateError `state-invalid` with the reason when the workflow refuses, `execution-missing` when it does not run. */
  command(key: ExecutionKey, command: ExecutionCommand, idempotencyKey?: string): Promise<ExecutionView>;
  snapshot(key: ExecutionKey): Promise<SnapshotAnswer | undefined>;
  /** Resolves when the workflow has ended, or after the time. */
  ended(key: ExecutionKey, atMostMs: number, signal?: AbortSignal): Promise<void>;
}
