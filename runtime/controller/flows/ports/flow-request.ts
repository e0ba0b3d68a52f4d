import type { FlowKey } from '../../../api-contract/flow-key';
import type { Rewind } from '../../ports/streams';
import type { ClosedStatus, FlowRecord, Revision } from './flow-store';

/** Name of the workflow type, as the documents have it. */
export const workflowType = 'KFlowDSL';

/** Key of the workflow's memo that holds its `FlowMemo`. */
export const memoKey = 'kflow';

/** Names of the workflow's updates: each takes a `FlowRequest` and gives a `FlowMemo`. */
export const requestNames = ['pause', 'resume', 'restart', 'replay', 'update', 'stop', 'delete'] as const;

/** Type of the failure of a request to a workflow that is about to close. */
export const closedFailure = 'flow-closed';

/** Signal: something of the flow has ended in the cluster, so it is to be judged. */
export const observedSignal = 'observed';

/** What somebody wants of a running flow. */
export type FlowRequest = FlowWish & Asked;

/** Who asked for something, when, and what for in their own words. */
interface Asked {
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly comment?: string;
}

export type FlowWish =
  /** No functions: the whole flow. */
  | { readonly kind: 'pause' | 'resume' | 'restart'; readonly functions: readonly string[] }
  | { readonly kind: 'replay'; readonly rewinds: readonly Rewind[] }
  | {
      readonly kind: 'update';
      readonly digest: string;
      readonly cause: Exclude<Revision['cause'], 'submit' | 'auto-rollback'>;
      /** The revision that the document was compared with; another one by now is refused. */
      readonly base: number;
      /** Functions that it is about: what somebody paused or resumed of them is up to the document again. */
      readonly updated: readonly string[];
      /** Functions that it has read their input from the first record again. */
      readonly dropped: readonly string[];
    }
  | { readonly kind: 'stop' }
  | { readonly kind: 'delete'; readonly force: boolean };

/** What the memo of a workflow tells, open or closed. */
export interface FlowMemo {
  readonly phase: 'Running' | 'Pausing' | 'Paused' | 'Stopping' | ClosedStatus;
  /** ISO time. */
  readonly since: string;
  /** ISO time of the start of this life of the flow. */
  readonly startTime: string;
  readonly runId: string;
  /** Number and digest of the revision that is wanted; 0 and empty when there is none. */
  readonly revision: number;
  readonly digest: string;
  readonly mode: 'batch' | 'stream';
  /** Whether the cluster has been told all that is wanted. */
  readonly isSettled: boolean;
  readonly reason?: string;
  /** Functions that somebody has paused or resumed, whatever the document says. */
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Batch functions that had ended before this life, and do not run in it. */
  readonly ended: readonly string[];
}

/** How long a flow's operations may take, and its history. */
export interface FlowLimits {
  /** What is on its way may take this long to be processed before a pause. */
  readonly pauseGraceMs: number;
  /** A new revision that is not ready by then goes back. */
  readonly readyTimeoutMs: number;
  /** Events after which the workflow goes on in another run: long histories are slow to replay. */
  readonly historyLength: number;
}

/** A workflow's argument: a life of a flow, from a submit, or only to end what is left of it. */
export interface FlowInput {
  readonly flow: FlowKey;
  readonly limits: FlowLimits;
  readonly begin:
    | ({ readonly kind: 'submit'; readonly digest: string; readonly mode: FlowMemo['mode'] } & Left & Asked)
    | ({ readonly kind: 'end'; readonly ending: NonNullable<FlowGoal['ending']> } & Left & Asked)
    | { readonly kind: 'continue'; readonly state: FlowState };
}

interface Left {
  /** What an earlier life of the flow has left. */
  readonly record?: FlowRecord;
}

/** What goes on from one run of the workflow to the next. */
interface FlowState {
  readonly record: FlowRecord;
  readonly goal: FlowGoal;
  readonly applied: AppliedFlow;
  readonly memo: FlowMemo;
}

/** A replay, or what an update drops. */
export interface WantedRewind extends Rewind {
  readonly isOfUpdate?: true;
}

/** What is wanted. */
export interface FlowGoal {
  /** Number of the revision that is to be in force. */
  readonly revision: number;
  readonly isPaused: boolean;
  readonly pauses: { readonly [functionId: string]: boolean };
  /** How often a function's replicas were asked to start anew. */
  readonly restarts: { readonly [functionId: string]: number };
  /** Not done yet. */
  readonly rewinds: readonly WantedRewind[];
  readonly ending?: 'stop' | 'delete' | 'force';
}

/** What the cluster was last told. */
export interface AppliedFlow {
  /** Nothing of an earlier life is left, and the streams are there. */
  readonly isPrepared: boolean;
  /** 0: nothing yet. */
  readonly revision: number;
  /** The one that ran before it; 0: none in this life. */
  readonly previous: number;
  /** Batch functions that had ended before this life, and do not run in it. */
  readonly ended: readonly string[];
  /** `kflow.io/spec-hash` of each function's template. */
  readonly hashes: { readonly [functionId: string]: string };
  /** Functions whose running replicas stay with what they have read, by the hash they keep. */
  readonly pins: { readonly [functionId: string]: string };
}
