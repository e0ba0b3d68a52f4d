import type { ReplayRequest } from '../../../api-contract/flow-changes';
import type { EventQuery, FlowEventView, LogLine, LogQuery, RevisionView } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowList, FlowStatus, ListQuery } from '../../../api-contract/flow-status';
import type { DocumentProblem } from '../../../api-contract/problem';

/** Who asks, and what for in their own words. */
export interface Requester {
  readonly by: string;
  readonly comment?: string;
  /** The same request with the same key is done once, as long as the flow's workflow is in the same run. */
  readonly idempotencyKey?: string;
}

export interface SubmitResult {
  readonly outcome: 'started' | 'resumed' | 'updated' | 'unchanged';
  readonly status: FlowStatus;
  /** Of the document that was sent; it was taken all the same. */
  readonly warnings?: readonly DocumentProblem[];
}

/** How a flow is ended: its data goes, at once when `force`; or everything but what runs is kept. */
export type Ending = 'delete' | 'force' | 'stop';

/**
 * What the API asks of the controller. Resolves when the flow's workflow has taken the request: the status that is read
 * next tells of it, and it is finished whatever ends meanwhile. Throws
 * TopologyError with every problem of a document, StateError `flow-missing` when there is no such flow, StateError
 * `state-invalid` when its state does not allow it, StateError `flow-exists` when it runs with another document,
 * TopologyError `update-refused` with every difference that an update, or a submit of what was stopped, may not make, StoreError and ConfigError `server-failed` when
 * something behind the controller does not answer.
 */
export interface FlowService {
  /** `text` is YAML or JSON. The flow's namespace and id are those given, whatever the text leaves out. */
  submit(flow: FlowKey, text: string, requester: Requester): Promise<SubmitResult>;
  /** `namespace` left out: the document's, else that of the only flow with its jobId. */
  update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult>;
  end(flow: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus>;
  /** The whole flow, or these functions of it. */
  pause(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus>;
  resume(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus>;
  scale(
    flow: FlowKey,
    replicas: { readonly [functionId: string]: number },
    requester: Requester,
  ): Promise<SubmitResult>;
  /** Starts the replicas of these functions, or of all, anew. */
  restart(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus>;
  replay(flow: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus>;
  /** To a revision; left out, the one before the present one. */
  rollback(flow: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult>;
  status(flow: FlowKey): Promise<FlowStatus>;
  list(namespace: string | undefined, query: ListQuery): Promise<FlowList>;
  history(flow: FlowKey): Promise<readonly RevisionView[]>;
  /** The document of a revision, secrets hidden; left out, of the last one. */
  document(flow: FlowKey, revision?: number): Promise<string>;
  /** Unified diff of two revisions' documents; `from` left out is the one before, `to` the last one. Empty when they are equal. */
  diff(flow: FlowKey, revisions: { readonly from?: number; readonly to?: number }): Promise<string>;
  events(of: Partial<FlowKey>, query: EventQuery): Promise<readonly FlowEventView[]>;
  /** Resolves to every event that is added from then on, until the signal is aborted. */
  followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEventView>>;
  /** The status now and whenever it has changed, until the flow has closed or the signal. */
  followStatus(flow: FlowKey, signal: AbortSignal): AsyncIterable<FlowStatus>;
  logs(flow: FlowKey, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Why the controller cannot work, in one line each; none when it can. */
  whyNotReady(): Promise<readonly string[]>;
}
