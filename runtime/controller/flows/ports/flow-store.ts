import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowRecord } from './flow-record';

/**
 * Data of flows outside their workflows: documents by digest, one record per flow, and the event log. Throws StoreError
 * `stream-failed` when the server refuses or does not respond.
 */
export interface FlowStore {
  /** Stores a document and returns its digest: 32 hexadecimal digits, the same for the same text. */
  putDocument(flow: FlowKey, text: string): Promise<string>;
  /** Throws StoreError `stream-failed` for an unknown document. */
  document(flow: FlowKey, digest: string): Promise<string>;
  /** Removes these documents of the flow; without `digests`, all of them. */
  removeDocuments(flow: FlowKey, digests?: readonly string[]): Promise<void>;
  record(flow: FlowKey): Promise<FlowRecord | undefined>;
  /** The flow's workflow is the only writer. */
  saveRecord(record: FlowRecord): Promise<void>;
  /** Records of one namespace, or of all, sorted by name. */
  records(namespace?: string): Promise<readonly FlowRecord[]>;
  /** Appends an event; an event with an id that the log already contains is ignored. */
  addEvent(event: FlowEvent): Promise<void>;
  /** The last `limit` events of a flow, of a namespace or of all, the oldest first. */
  events(
    of: Partial<FlowKey>,
    options?: { readonly limit?: number; readonly kind?: FlowEvent['kind'] },
  ): Promise<readonly FlowEvent[]>;
  /** Resolves to every event that is added from then on, until the signal is aborted. */
  followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEvent>>;
  /** Resolves when the server responds. */
  ping(): Promise<void>;
}

/** An entry of the event log. `audit`: a request was accepted; `phase`: the flow entered a phase; `notice`: anything else. */
export interface FlowEvent extends FlowKey {
  /** Unique; a retry of the same write has the same id. */
  readonly id: string;
  /** ISO time. */
  readonly at: string;
  readonly kind: 'audit' | 'phase' | 'notice';
  /** One word: `submit`, `pause`, `Running`, … */
  readonly what: string;
  /** Audit events: who sent the request. */
  readonly by?: string;
  readonly comment?: string;
  /** One line. */
  readonly message?: string;
}
