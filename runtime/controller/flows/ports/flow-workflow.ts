import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import type { FlowPhase } from '../../../api-contract/flow-phase';
import type { WorkflowKind, Workflows, WorkflowView } from '../../ports/workflows';
import type { FlowRecord, PendingRewind } from './flow-record';
import type { FlowRequest, RequestOrigin } from './flow-request';

/**
 * Flows as a kind of workflow. The names and fields in this file are the wire format between the controller and running
 * workflows, which may be older than the controller. They are part of recorded histories and must not change.
 */
export const flowKind: WorkflowKind<FlowKey> = {
  type: 'KFlowDSL',
  noun: 'flow',
  memoKey: 'kflow',
  observedSignal: 'observed',
  closedFailure: 'flow-closed',
  existsCode: 'flow-exists',
  missingCode: 'flow-missing',
  idOf: flowName,
  keyOf: parseFlowName,
  idPrefixOf: (namespace) => `${namespace}/`,
};

export type FlowWorkflows = Workflows<FlowInput, FlowRequest, FlowMemo, FlowKey>;
export type FlowWorkflowView = WorkflowView<FlowMemo, FlowKey>;

/** Summary of a flow's state in the memo of its workflow, which outlives the workflow. */
export interface FlowMemo {
  readonly phase: FlowPhase;
  /** ISO time of the last change of the phase. */
  readonly since: string;
  /** ISO time of the submit that started the workflow. */
  readonly startTime: string;
  readonly runId: string;
  /** Number and digest of the desired revision; 0 and empty when there is none. */
  readonly revision: number;
  readonly digest: string;
  readonly mode: 'batch' | 'stream';
  /** The desired state has been applied to the cluster. */
  readonly isSettled: boolean;
  readonly reason?: string;
  /** Functions paused (true) or resumed (false) by requests, which override the document. */
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Functions of a batch flow that ended before this workflow started, and do not run again. */
  readonly ended: readonly string[];
}

export interface FlowLimits {
  /** Time a pause waits for records in flight. */
  readonly pauseGraceMs: number;
  /** Time a new revision has to become ready before it is rolled back. */
  readonly readyTimeoutMs: number;
  /** Number of history events after which the workflow continues in a new run: long histories are slow to replay. */
  readonly historyLength: number;
}

/** Argument of a flow's workflow. */
export interface FlowInput {
  readonly flow: FlowKey;
  readonly limits: FlowLimits;
  readonly begin:
    | ({ readonly kind: 'submit'; readonly digest: string; readonly mode: FlowMemo['mode'] } & Predecessor &
        RequestOrigin)
    /** Only removes what an earlier workflow of the flow left behind. */
    | ({ readonly kind: 'end'; readonly ending: NonNullable<DesiredState['ending']> } & Predecessor & RequestOrigin)
    | { readonly kind: 'continue'; readonly state: CarriedState };
}

interface Predecessor {
  /** Record of the flow's previous workflow. */
  readonly record?: FlowRecord;
}

/** The state that one run of the workflow passes on to the next. */
export interface CarriedState {
  readonly record: FlowRecord;
  readonly goal: DesiredState;
  readonly applied: Omit<AppliedState, 'keptHashes'> & { readonly pins: AppliedState['keptHashes'] };
  readonly memo: FlowMemo;
}

/** The desired state: requests change it, and the workflow reconciles the cluster with it. */
export interface DesiredState {
  /** Number of the revision to run. */
  readonly revision: number;
  readonly isPaused: boolean;
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Number of restarts of a function's replicas, by function. */
  readonly restarts: { readonly [functionId: string]: number };
  readonly rewinds: readonly PendingRewind[];
  readonly ending?: 'stop' | 'delete' | 'force';
}

/** The state that was last applied to the cluster. */
export interface AppliedState {
  /** The replicas of an earlier workflow are gone, and the streams and buckets exist. */
  readonly isPrepared: boolean;
  /** 0 before the first apply. */
  readonly revision: number;
  /** The revision applied before that; 0 if this workflow has applied only one. */
  readonly previous: number;
  /** Functions of a batch flow that ended before this workflow started, and do not run again. */
  readonly ended: readonly string[];
  /** `kflow.io/spec-hash` of each function's template. */
  readonly hashes: { readonly [functionId: string]: string };
  /** Hashes that replace the computed ones, so that running replicas of these functions survive an update. */
  readonly keptHashes: { readonly [functionId: string]: string };
}
