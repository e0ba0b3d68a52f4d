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

/** A document with the epochs of its functions, which their message ids contain. */
export interface PlannedDocument extends FlowDocument {
  readonly epochs: FlowRecord['epochs'];
}

/** The state to apply to the cluster. */
export interface ApplyStep extends PlannedDocument {
  /** Stops all replicas or those of sources; default: only those that the document or `pauses` pauses. */
  readonly halt?: 'all' | 'sources';
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Functions whose workloads are removed. */
  readonly without: readonly string[];
  /** Template hashes that replace the computed ones. */
  readonly pins: { readonly [functionId: string]: string };
  readonly restarts: { readonly [functionId: string]: number };
}

/** The documents from the applied one to the desired one, by digest. */
interface Comparison {
  readonly from: string;
  readonly steps: readonly {
    readonly digest: string;
    /** The step is a scale or a rollback, to which `meta.update` of the functions does not apply. */
    readonly isRollback: boolean;
  }[];
}

/** What an update does to running replicas. */
export interface Transition {
  /** Functions whose replicas must be gone before the new document is applied. */
  readonly halted: readonly string[];
  /** Functions whose running replicas are kept; all others are replaced. */
  readonly kept: readonly string[];
  readonly restarted: readonly string[];
}

/**
 * The side effects of the workflow. Every activity is idempotent and heartbeats while it runs, so that another controller
 * takes over within seconds when one is killed. Names and arguments are part of recorded histories and must not change.
 */
export interface FlowActivities {
  /** Saves the record if there is one, appends the events, and removes the documents `dropped`. */
  keep(record: FlowRecord | undefined, events: readonly FlowEvent[], dropped: readonly string[]): Promise<void>;
  /**
   * Removes replicas of an earlier workflow and creates streams, buckets and the run. Returns the functions of a batch
   * flow that ended earlier in that run.
   */
  prepare(document: PlannedDocument): Promise<{ readonly ended: readonly string[] }>;
  /** Updates streams and buckets to another document. */
  provision(document: PlannedDocument): Promise<void>;
  /** Compares two documents step by step. */
  compare(flow: FlowKey, documents: Comparison): Promise<Transition>;
  /** Applies a document. Returns the hash of each function's template. */
  apply(step: ApplyStep): Promise<{ readonly [functionId: string]: string }>;
  /** Resolves when no replica of these functions is left; without `functions`, of any function. */
  awaitGone(flow: FlowKey, functions?: readonly string[]): Promise<void>;
  /**
   * Resolves with undefined when every replica is ready. Resolves with the reason at the deadline (ms since 1970), if
   * there is one, or when a Job failed.
   */
  awaitReady(flow: FlowKey, deadlineMs?: number): Promise<string | undefined>;
  /** Resolves with undefined when no record is in flight, or at the deadline with the functions that still hold records. */
  drain(document: FlowDocument, deadlineMs: number): Promise<string | undefined>;
  /** Moves the consumers of functions without replicas; in a batch flow, also reopens every function downstream. */
  rewind(document: FlowDocument, rewinds: readonly Rewind[]): Promise<void>;
  /** The functions that a rewind of these functions reopens: in a batch flow, also every function downstream. */
  reopened(document: FlowDocument, functions: readonly string[]): Promise<readonly string[]>;
  /** Checks whether a batch flow completed or failed. */
  judge(document: FlowDocument, ended: readonly string[]): Promise<BatchResult>;
  markCompleted(document: FlowDocument): Promise<void>;
  /**
   * Removes the objects of the flow. `keepEnded` keeps finished Jobs, so that their logs stay readable; `keepOwner` keeps
   * the owner object, which must outlive the flow's data; `now` does not wait for records in progress.
   */
  removeWorkloads(
    flow: FlowKey,
    options: { readonly now?: boolean; readonly keepEnded?: boolean; readonly keepOwner?: boolean },
  ): Promise<void>;
  removeStreams(document: FlowDocument): Promise<void>;
  /** Removes payloads from message stores. */
  removePayloads(document: FlowDocument): Promise<void>;
  /** Removes the documents, then the owner object. */
  removeDocuments(flow: FlowKey): Promise<void>;
  /** Makes Temporal close this workflow as canceled or terminated. */
  closeAs(flow: FlowKey, close: WorkflowClose): Promise<void>;
}

export interface BatchResult {
  readonly outcome: 'open' | 'completed' | 'failed';
  /** Why the flow failed, or which functions of a completed flow have dead letters. */
  readonly reason?: string;
  /** Functions of an open flow that have ended, and whose dead letters are to be processed again. */
  readonly redriving?: readonly string[];
}
