import type { FlowKey } from '../../../api-contract/flow-key';
import type { Rewind } from '../../ports/streams';
import type { WorkflowClose } from '../../ports/workflows';
import type { FlowEvent, FlowRecord } from '../ports/flow-store';

/** A flow and one of its documents. */
export interface FlowDocument {
  readonly flow: FlowKey;
  readonly digest: string;
}

/** What of a flow is to run, and how. */
export interface ApplyStep extends FlowDocument {
  readonly epochs: FlowRecord['epochs'];
  /** Nothing runs, or no source; left out: all but what the document or `pauses` pauses. */
  readonly halt?: 'all' | 'sources';
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Functions that are not there at all. */
  readonly without: readonly string[];
  readonly pins: { readonly [functionId: string]: string };
  readonly restarts: { readonly [functionId: string]: number };
}

/** The documents from the one that was applied last to the one that is wanted, by their digests. */
interface Comparison {
  readonly from: string;
  readonly steps: readonly {
    readonly digest: string;
    /** It was in force before, or asks for other numbers of replicas alone: what a function allows is not asked. */
    readonly isRollback: boolean;
  }[];
}

/** What one document asks of a flow that runs another. */
export interface Transition {
  /** Functions that must have ended everywhere before the new document is applied: what they share changes. */
  readonly halted: readonly string[];
  /** Functions whose running replicas are to stay as they are; all others start anew. */
  readonly kept: readonly string[];
  readonly restarted: readonly string[];
}

/**
 * What the workflow has done outside. Each may be repeated; each gives signs of life while it works, so that another
 * controller goes on within seconds when one is killed.
 */
export interface FlowActivities {
  /** Keeps a flow's record, when it is another one, adds to the events, and removes documents of no use any more. */
  keep(record: FlowRecord | undefined, events: readonly FlowEvent[], dropped: readonly string[]): Promise<void>;
  /** Removes what runs of an earlier life, and makes streams, buckets and the run. Gives the functions that have ended in it. */
  prepare(
    document: FlowDocument & { readonly epochs: FlowRecord['epochs'] },
  ): Promise<{ readonly ended: readonly string[] }>;
  /** Makes streams what another document says. */
  provision(document: FlowDocument & { readonly epochs: FlowRecord['epochs'] }): Promise<void>;
  compare(flow: FlowKey, documents: Comparison): Promise<Transition>;
  /** Gives each template's hash. */
  apply(step: ApplyStep): Promise<{ readonly [functionId: string]: string }>;
  /** Resolves when no replica of these functions, or of any, is left. */
  awaitGone(flow: FlowKey, functions?: readonly string[]): Promise<void>;
  /** Resolves when every replica is ready, or at the deadline (ms since 1970), if there is one, with the reason why not. */
  awaitReady(flow: FlowKey, deadlineMs?: number): Promise<string | undefined>;
  /** Resolves with nothing when what the sources gave is processed, or at the deadline with who holds what. */
  drain(document: FlowDocument, deadlineMs: number): Promise<string | undefined>;
  /** With nothing of these functions running: their consumers begin elsewhere, and in a batch flow what follows is open again. */
  rewind(document: FlowDocument, rewinds: readonly Rewind[]): Promise<void>;
  /** The functions of a batch flow that a rewind opens again: these and all after them. */
  reopened(document: FlowDocument, functions: readonly string[]): Promise<readonly string[]>;
  /** Whether a batch flow has completed, or failed and why. */
  judge(document: FlowDocument, ended: readonly string[]): Promise<Verdict>;
  markCompleted(document: FlowDocument): Promise<void>;
  /**
   * Removes what runs. With `keepEnded` Jobs that have ended stay, for their logs; with `keepOwner` what stands for the flow
   * in the cluster, whose removal waits for that of the data.
   */
  removeWorkloads(
    flow: FlowKey,
    options: { readonly now?: boolean; readonly keepEnded?: boolean; readonly keepOwner?: boolean },
  ): Promise<void>;
  removeStreams(document: FlowDocument): Promise<void>;
  /** Removes payloads from message stores. */
  removePayloads(document: FlowDocument): Promise<void>;
  /** Removes the documents, and then what stands for the flow in the cluster. */
  removeDocuments(flow: FlowKey): Promise<void>;
  /** Ends this workflow as Temporal names it. */
  closeAs(flow: FlowKey, close: WorkflowClose): Promise<void>;
}

export interface Verdict {
  readonly outcome: 'open' | 'completed' | 'failed';
  /** Of a failure; of a completed flow, what it gave up on. */
  readonly reason?: string;
}
