import type { FlowKey } from '../../../api-contract/flow-key';
import type { WantedRewind } from './flow-request';

/**
 * What is kept of flows beside their workflows, for as long as their data is: the documents by digest, the record of
 * their revisions and of how they ended, and the log of what happened. Throws StoreError `stream-failed`.
 */
export interface FlowStore {
  /** Keeps a document and gives its digest; the same text has the same digest. */
  putDocument(flow: FlowKey, text: string): Promise<string>;
  /** Throws StoreError `stream-failed` when there is no such document. */
  document(flow: FlowKey, digest: string): Promise<string>;
  /** Removes these documents of the flow, or all. */
  removeDocuments(flow: FlowKey, digests?: readonly string[]): Promise<void>;
  record(flow: FlowKey): Promise<FlowRecord | undefined>;
  /** Its only writer is the flow's workflow. */
  saveRecord(record: FlowRecord): Promise<void>;
  /** Records of one namespace, or of all, by name. */
  records(namespace?: string): Promise<readonly FlowRecord[]>;
  /** Adds to the log; an event of an id that is there already is the same. */
  addEvent(event: FlowEvent): Promise<void>;
  /** Events of a flow, a namespace or all, the oldest first; the last `limit` of them. */
  events(
    of: Partial<FlowKey>,
    options?: { readonly limit?: number; readonly kind?: FlowEvent['kind'] },
  ): Promise<readonly FlowEvent[]>;
  /** Events from now on, until the signal. */
  followEvents(of: Partial<FlowKey>, signal: AbortSignal): AsyncIterable<FlowEvent>;
  /** Resolves when the server answers. */
  ping(): Promise<void>;
}

/** A document that was accepted. */
export interface Revision {
  /** From 1. */
  readonly number: number;
  readonly digest: string;
  /** ISO time. */
  readonly at: string;
  /** Who sent it. */
  readonly by: string;
  readonly comment?: string;
  /** How it came: by submit, update, rollback, or because another one did not get ready. */
  readonly cause: 'submit' | 'update' | 'scale' | 'rollback' | 'auto-rollback';
  /** It was seen with every replica ready. */
  readonly isProven?: true;
}

/** How a workflow ended, as Temporal and the documents name it. */
export type ClosedStatus = 'Stopped' | 'Completed' | 'Failed' | 'Canceled' | 'Terminated';

export interface FlowRecord extends FlowKey {
  /** The oldest first. None once the flow's data was removed. */
  readonly revisions: readonly Revision[];
  /** Revision in which a function began to read anew, by function: part of the ids of its outputs. */
  readonly epochs: { readonly [functionId: string]: number };
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  /** What is to be read anew and was not yet when the workflow closed. */
  readonly rewinds?: readonly WantedRewind[];
  /** Left out while the workflow runs. */
  readonly closed?: { readonly status: ClosedStatus; readonly closeTime: string; readonly reason?: string };
}

/** Something that happened to a flow. `audit`: somebody asked for it; `phase`: the flow came into another phase. */
export interface FlowEvent extends FlowKey {
  /** Tells it from all others; a repeat has the same. */
  readonly id: string;
  /** ISO time. */
  readonly at: string;
  readonly kind: 'audit' | 'phase' | 'notice';
  /** One word: `submit`, `pause`, `Running`, … */
  readonly what: string;
  /** Of an audit event. */
  readonly by?: string;
  readonly comment?: string;
  /** In one line. */
  readonly message?: string;
}
