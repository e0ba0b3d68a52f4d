import type { ErrorCode } from '../../../lib/errors';

/**
 * What tells the workflows of one kind, such as flows, from those of all other kinds on the same server. The workflow
 * type is the kind: lists contain workflows of this type alone, and the ids of two kinds never collide.
 */
export interface WorkflowKind<Key> {
  /** Name of the workflow type. */
  readonly type: string;
  /** The kind in messages: `the flow team/job does not run`. */
  readonly noun: string;
  /** Memo field that holds the `Memo`. */
  readonly memoKey: string;
  /** Signal: something changed in the cluster that may complete or fail the workflow. */
  readonly observedSignal: string;
  /** Failure type of a request that arrives while the workflow is closing. */
  readonly closedFailure: string;
  /** Codes of the StateErrors for a workflow that runs already, or does not run. */
  readonly existsCode: ErrorCode;
  readonly missingCode: ErrorCode;
  /** The workflow id. */
  idOf(key: Key): string;
  /** Undefined for the id of another kind's workflow. */
  keyOf(workflowId: string): Key | undefined;
  /** How the ids of one namespace start. */
  idPrefixOf(namespace: string): string;
}

/** Workflows of one kind. Throws ConfigError `server-failed` when the server does not respond in time. */
export interface Workflows<Input, Request extends { readonly kind: string }, Memo, Key> {
  /** Returns the run id. Throws StateError with the kind's `existsCode` when the workflow runs already. */
  start(key: Key, input: Input, memo: Omit<Memo, 'runId'>): Promise<string>;
  /**
   * Throws StateError with the kind's `missingCode` when the workflow does not run, and `state-invalid` with the reason
   * when the workflow refuses the request. A request with the `kind` and `idempotencyKey` of an earlier one is not
   * carried out again by the same run of the workflow.
   */
  request(key: Key, request: Request, idempotencyKey?: string): Promise<Memo>;
  /** The current or last workflow; undefined when the server has none. */
  describe(key: Key): Promise<WorkflowView<Memo, Key> | undefined>;
  /** Running workflows of one namespace or of all; the list may be a second old. */
  open(namespace?: string): Promise<readonly WorkflowView<Memo, Key>[]>;
  /** Makes a workflow check the cluster; false when the workflow does not run. */
  observed(key: Key): Promise<boolean>;
  closeAs(key: Key, close: WorkflowClose): Promise<void>;
  /** Resolves when the server responds. */
  ping(): Promise<void>;
}

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
  /** Undefined when the workflow is not of this kind. */
  readonly memo: Memo | undefined;
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  readonly closeTime?: string;
  /** Last error of an activity that is being retried. */
  readonly trouble?: string;
}
