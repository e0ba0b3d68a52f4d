import type { ErrorCode } from '../../../lib/errors';

/**
 * Distinguishes the workflows of one kind, such as flows, from those of other kinds on the same server. Each kind has its own
 * workflow type, and the ids of two kinds never collide.
 */
export interface WorkflowKind<Key> {
  /** Name of the workflow type. */
  readonly type: string;
  /** The kind in messages: `the flow team/job is not running`. */
  readonly noun: string;
  /** Memo field that holds the `Memo`. */
  readonly memoKey: string;
  /** Name of the signal that a change in the cluster may complete or fail the workflow. */
  readonly observedSignal: string;
  /** Failure type of a request that arrives while the workflow is closing. */
  readonly closedFailure: string;
  /** Codes of the StateErrors for a workflow that is already running, or is not running. */
  readonly existsCode: ErrorCode;
  readonly missingCode: ErrorCode;
  /** The workflow id. */
  idOf(key: Key): string;
  /** Undefined for the id of another kind's workflow. */
  keyOf(workflowId: string): Key | undefined;
  /** Prefix of the workflow ids of one namespace. */
  idPrefixOf(namespace: string): string;
}

/** Workflows of one kind. Throws ConfigError `server-failed` when the server does not respond in time. */
export interface Workflows<Input, Request extends { readonly kind: string }, Memo, Key> {
  /** Returns the run id. Throws StateError with the kind's `existsCode` when the workflow is already running. */
  start(key: Key, input: Input, memo: Omit<Memo, 'runId'>): Promise<string>;
  /**
   * Throws StateError with the kind's `missingCode` when the workflow is not running, and `state-invalid` with the reason
   * when the workflow refuses the request. A request with the `kind` and `idempotencyKey` of an earlier one is not
   * executed again by the same run of the workflow.
   */
  request(key: Key, request: Request, idempotencyKey?: string): Promise<Memo>;
  /** The current or last workflow; undefined when the server has none. */
  describe(key: Key): Promise<WorkflowView<Memo, Key> | undefined>;
  /** Running workflows of one namespace or of all. The list may be up to a second old. */
  open(namespace?: string): Promise<readonly WorkflowView<Memo, Key>[]>;
  /**
   * Signals a workflow to check the cluster. `drift` says why the desired state must be applied again: what somebody changed
   * there or, with `due`, what is about to expire. Returns false when the workflow is not running.
   */
  observed(key: Key, drift?: string, cause?: DriftCause): Promise<boolean>;
  /** Cancels or terminates a workflow; has no effect on a closed one. */
  closeAs(key: Key, close: WorkflowClose): Promise<void>;
  /** Resolves when the server responds. */
  ping(): Promise<void>;
}

/** Why the cluster differs from the desired state; default: `outside`. */
export type DriftCause = 'outside' | 'due';

/** How to end a run of a workflow. */
export interface WorkflowClose {
  readonly status: 'Canceled' | 'Terminated';
  readonly reason: string;
  /** Absent: the current run. */
  readonly runId?: string;
}

export interface WorkflowView<Memo, Key> {
  readonly key: Key;
  readonly isOpen: boolean;
  /** Status on the server. */
  readonly status: 'Running' | 'Completed' | 'Failed' | 'Canceled' | 'Terminated';
  /** Undefined when the workflow is of another kind. */
  readonly memo: Memo | undefined;
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  readonly closeTime?: string;
  /** Why an activity is being retried; absent when its last attempt merely ended with the controller that ran it. */
  readonly lastFailure?: string;
}

/** Types of the failures of attempts that Temporal, or the end of a worker, cut short. */
export const interruptionTypes: ReadonlySet<string> = new Set([
  'WorkerShutdown',
  'CancelledFailure',
  'ActivityReset',
  'ActivityPause',
]);
