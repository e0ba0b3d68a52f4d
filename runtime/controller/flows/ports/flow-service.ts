import type { ReplayRequest } from '../../../api-contract/flow-changes';
import type { EventQuery, FlowEventView, LogLine, LogQuery, RevisionView } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowList, FlowStatus, ListQuery } from '../../../api-contract/flow-status';
import type { DocumentProblem } from '../../../api-contract/problem';
import type { FlowLetters } from './flow-letters';
import type { FlowSteps } from './flow-steps';

/** Who sends a request, and why. */
export interface Requester {
  readonly by: string;
  readonly comment?: string;
  /** A repeated request with the same key has no effect within one run of the flow's workflow. */
  readonly idempotencyKey?: string;
}

export interface SubmitResult {
  readonly outcome: 'started' | 'resumed' | 'updated' | 'unchanged';
  readonly status: FlowStatus;
  /** Warnings about the accepted document. */
  readonly warnings?: readonly DocumentProblem[];
}

/** `stop` keeps the flow's data; `delete` removes it; `force` removes it without waiting for records in progress. */
export type Ending = 'delete' | 'force' | 'stop';

/**
 * The operations of the API. A request resolves when the flow's workflow has accepted it: the next status shows the change,
 * and the workflow completes the change even if controllers are killed. Requests throw
 *
 * - TopologyError with every problem of a document, or `update-refused` with every difference that is not allowed;
 * - StateError `flow-missing` when the flow does not exist, `flow-exists` when it runs with another document, and
 *   `state-invalid` when its state does not allow the request;
 * - StoreError, or ConfigError `server-failed`, when a server behind the controller does not respond.
 */
export interface FlowService {
  /** The dead letters of flows. */
  readonly letters: FlowLetters;
  /** The records of flows that run step by step. */
  readonly steps: FlowSteps;
  /** Starts a flow, or resumes a stopped one. `text` is YAML or JSON; its namespace and jobId default to the flow's. */
  submit(flow: FlowKey, text: string, requester: Requester): Promise<SubmitResult>;
  /** `namespace` defaults to the document's, else to that of the only flow with its jobId. */
  update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult>;
  end(flow: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus>;
  /** Pauses these functions; an empty list pauses the whole flow. */
  pause(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus>;
  /** Resumes these functions; an empty list resumes the whole flow. */
  resume(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus>;
  scale(
    flow: FlowKey,
    replicas: { readonly [functionId: string]: number },
    requester: Requester,
  ): Promise<SubmitResult>;
  /** Replaces the replicas of these functions; an empty list replaces those of all functions. */
  restart(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus>;
  replay(flow: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus>;
  /** `revision` defaults to the newest earlier revision that was ready and has another document. */
  rollback(flow: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult>;
  status(flow: FlowKey): Promise<FlowStatus>;
  list(namespace: string | undefined, query: ListQuery): Promise<FlowList>;
  history(flow: FlowKey): Promise<readonly RevisionView[]>;
  /** The document of a revision with its secrets hidden; default: the latest revision. */
  document(flow: FlowKey, revision?: number): Promise<string>;
  /**
   * Unified diff of the documents of two revisions; empty if they are equal. `to` defaults to the latest revision, `from` to
   * the one before `to`.
   */
  diff(flow: FlowKey, revisions: { readonly from?: number; readonly to?: number }): Promise<string>;
  events(of: Partial<FlowKey>, query: EventQuery): Promise<readonly FlowEventView[]>;
  /** Resolves to every event that is added from then on, until the signal is aborted. */
  followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEventView>>;
  /** The current status, then the status after each change, until the flow is closed or the signal is aborted. */
  followStatus(flow: FlowKey, signal: AbortSignal): AsyncIterable<FlowStatus>;
  logs(flow: FlowKey, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Reasons why the controller is not ready, one line each; empty when it is ready. */
  whyNotReady(): Promise<readonly string[]>;
}
