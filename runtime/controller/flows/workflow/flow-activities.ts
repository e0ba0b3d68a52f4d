import type { FlowKey } from '../../../api-contract/flow-key';
import type { Rewind } from '../../ports/streams';
import type { WorkflowClose } from '../../ports/workflows';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowEvent } from '../ports/flow-store';

/** A flow and one of its documents. */
export interface FlowDocument {
  readonly flow: FlowKey;
  readonly digest: string;
}

/** A document with the epochs that message ids of its functions contain. */
export interface PlannedDocument extends FlowDocument {
  readonly epochs: FlowRecord['epochs'];
}

/** The state to apply to the cluster. */
export interface ApplyStep extends PlannedDocument {
  /** Stops every replica, or those of sources; absent: only what the document or `pauses` pauses. */
  readonly halt?: 'all' | 'sources';
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Functions whose workloads are removed. */
  readonly without: readonly string[];
  /** Template hashes that replace the computed ones. */
  readonly pins: { readonly [functionId: string]: string };
  readonly restarts: { readonly [functionId: string]: number };
}

/** Digests of the documents from the applied one to the desired one. */
interface Comparison {
  readonly from: string;
  readonly steps: readonly {
    readonly digest: string;
    /** A scale or a rollback, to which `meta.update` of the functions does not apply. */
    readonly isRollback: boolean;
  }[];
}

/** What an update does to running replicas. */
export interface Transition {
  /** Functions whose replicas must all be gone before the new document is applied. */
  readonly halted: readonly string[];
  /** Functions whose running replicas stay; all others are replaced. */
  readonly kept: readonly string[];
  readonly restarted: readonly string[];
}

/**
 * The side effects of the workflow. Every activity may be repeated. Each heartbeats while it works, so that another
 * controller takes it over within seconds when one is killed. Names and arguments are part of recorded histories.
 */
export interface FlowActivities {
  /** Saves the record, if given, appends the events, and removes unused documents. */
  keep(record: FlowRecord | undefined, events: readonly FlowEvent[], dropped: readonly string[]): Promise<void>;
  /**
   * Removes replicas of an earlier workflow and creates streams, buckets and the run. Returns the functions of a batch
   * flow that ended earlier in that run.
   */
  prepare(document: PlannedDocument): Promise<{ readonly ended: readonly string[] }>;
  /** Brings streams and buckets up to date with another document. */
  provision(document: PlannedDocument): Promise<void>;
  compare(flow: FlowKey, documents: Comparison): Promise<Transition>;
  /** Returns the hash of each function's template. */
  apply(step: ApplyStep): Promise<{ readonly [functionId: string]: string }>;
  /** Resolves when no replica of these functions is left; without `functions`, of any. */
  awaitGone(flow: FlowKey, functions?: readonly string[]): Promise<void>;
  /**
   * Resolves with undefined when every replica is ready. Resolves with the reason at the deadline (ms since 1970), if
   * there is one, or when a Job failed.
   */
  awaitReady(flow: FlowKey, deadlineMs?: number): Promise<string | undefined>;
  /** Resolves with undefined when every record in flight is processed, or at the deadline with what is left where. */
  drain(document: FlowDocument, deadlineMs: number): Promise<string | undefined>;
  /** Moves the consumers of functions without replicas, and in a batch flow reopens every function downstream. */
  rewind(document: FlowDocument, rewinds: readonly Rewind[]): Promise<void>;
  /** The functions a rewind reopens: these, and in a batch flow every function downstream. */
  reopened(document: FlowDocument, functions: readonly string[]): Promise<readonly string[]>;
  /** Whether a batch flow completed or failed. */
  judge(document: FlowDocument, ended: readonly string[]): Promise<Verdict>;
  markCompleted(document: FlowDocument): Promise<void>;
  /**
   * Removes workloads: with `keepEnded`, all but Jobs that ended, whose logs stay readable; with `keepOwner`, all but the
   * object that represents the flow in the cluster, which is removed after the data.
   */
  removeWorkloads(
    flow: FlowKey,
    options: { readonly now?: boolean; readonly keepEnded?: boolean; readonly keepOwner?: boolean },
  ): Promise<void>;
  removeStreams(document: FlowDocument): Promise<void>;
  /** Removes payloads from message stores. */
  removePayloads(document: FlowDocument): Promise<void>;
  /** Removes the documents, then the object that represents the flow in the cluster. */
  removeDocuments(flow: FlowKey): Promise<void>;
  /** Makes Temporal end this workflow as canceled or terminated. */
  closeAs(flow: FlowKey, close: WorkflowClose): Promise<void>;
}

export interface Verdict {
  readonly outcome: 'open' | 'completed' | 'failed';
  /** Of a failure; of a completed flow, its dead letters. */
  readonly reason?: string;
}
