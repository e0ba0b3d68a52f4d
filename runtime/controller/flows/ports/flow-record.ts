import type { FlowKey } from '../../../api-contract/flow-key';
import type { ClosedPhase } from '../../../api-contract/flow-phase';
import type { Rewind } from '../../ports/streams';

/** An accepted document. */
export interface Revision {
  /** From 1. */
  readonly number: number;
  readonly digest: string;
  /** ISO time. */
  readonly at: string;
  /** Who sent the document. */
  readonly by: string;
  readonly comment?: string;
  /** `auto-rollback`: the controller reverted a revision that did not become ready. */
  readonly cause: 'submit' | 'update' | 'scale' | 'rollback' | 'auto-rollback';
  /** All replicas of the revision were ready at the same time at least once. */
  readonly isProven?: true;
}

/** A re-read that has not started yet. */
export interface PendingRewind extends Rewind {
  /** The re-read comes from an update (`DropOffset`), not from a replay request. */
  readonly isOfUpdate?: true;
}

/** The part of a flow's state that outlives its workflow. */
export interface FlowRecord extends FlowKey {
  /** The oldest first; empty once the flow's data was removed. */
  readonly revisions: readonly Revision[];
  /** Epoch of each function, which message ids of its outputs contain; every re-read starts a new one. */
  readonly epochs: { readonly [functionId: string]: number };
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  /** Re-reads that were still pending when the workflow closed. */
  readonly rewinds?: readonly PendingRewind[];
  /** Absent while the workflow runs. */
  readonly closed?: { readonly status: ClosedPhase; readonly closeTime: string; readonly reason?: string };
}
