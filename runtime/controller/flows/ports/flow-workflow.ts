import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import type { WorkflowKind, Workflows, WorkflowView } from '../../ports/workflows';
import type { FlowPhase } from './flow-phase';
import type { FlowRecord, PendingRewind } from './flow-record';
import type { FlowRequest, RequestOrigin } from './flow-request';

/**
 * Flows as a kind of workflows. Everything in this file is the wire between the controller and workflows that may be
 * older than the controller: names and fields are part of recorded histories and do not change.
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
  /** Functions that were paused (true) or resumed (false) by request, whatever the document says. */
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
    /** Only removes what an earlier workflow of the flow left. */
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

/** The state that requests ask for. */
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
  /** Replicas of an earlier workflow are gone, and streams and buckets exist. */
  readonly isPrepared: boolean;
  /** 0: none yet. */
  readonly revision: number;
  /** The revision before that one; 0: none in this workflow. */
  readonly previous: number;
  /** Functions of a batch flow that ended before this workflow started, and do not run again. */
  readonly ended: readonly string[];
  /** `kflow.io/spec-hash` of each function's template. */
  readonly hashes: { readonly [functionId: string]: string };
  /** Hashes that replace the computed ones: running replicas of these functions are kept over an update. */
  readonly keptHashes: { readonly [functionId: string]: string };
}
