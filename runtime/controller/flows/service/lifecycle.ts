import { type FlowPhase, isClosedPhase } from '../../../api-contract/flow-phase';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowWorkflowView } from '../ports/flow-workflow';

/** The phase of a flow, with its times and its desired revision. */
export interface Lifecycle {
  readonly phase: FlowPhase;
  readonly isOpen: boolean;
  readonly startTime: string;
  readonly closeTime: string | null;
  readonly since: string;
  readonly runId: string;
  readonly revision: number;
  /** Empty when the flow's documents were removed. */
  readonly digest: string;
  /** The desired state has not been applied to the cluster yet. */
  readonly isChanging: boolean;
  /** Functions paused (true) or resumed (false) by requests, which override the document. */
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Functions of a batch flow that ended before this workflow started, and do not run again. */
  readonly ended: readonly string[];
  readonly reason?: string;
}

/**
 * The lifecycle of a flow according to its last workflow and its record; undefined when there is neither. The memo of the
 * workflow is authoritative, unless somebody ended the workflow in Temporal before it could close: then Temporal's status is.
 */
export function lifecycleOf(view: FlowWorkflowView | undefined, record: FlowRecord | undefined): Lifecycle | undefined {
  const last = record?.revisions.at(-1);
  if (view?.memo !== undefined) {
    const { memo, isOpen, closeTime } = view;
    const hasClosed = isClosedPhase(memo.phase);
    const phase: FlowPhase = isOpen || hasClosed ? memo.phase : closedPhaseOf(view);
    const end = hasClosed ? memo.since : (closeTime ?? memo.since);
    const hasData = !hasClosed || last !== undefined;
    return {
      phase,
      isOpen: isOpen && !hasClosed,
      startTime: memo.startTime,
      closeTime: isClosedPhase(phase) ? end : null,
      since: isClosedPhase(phase) ? end : memo.since,
      runId: memo.runId ?? view.runId,
      revision: memo.revision,
      digest: hasData ? memo.digest : '',
      isChanging: !memo.isSettled,
      pauses: memo.pauses,
      ended: memo.ended,
      ...(memo.reason === undefined ? {} : { reason: memo.reason }),
    };
  }
  if (record === undefined) return undefined;
  const lost = { status: 'Terminated' as const, closeTime: record.startTime, reason: 'workflow not found in Temporal' };
  const { status, closeTime, reason } = record.closed ?? lost;
  return {
    phase: status,
    isOpen: false,
    startTime: record.startTime,
    closeTime,
    since: closeTime,
    runId: record.runId,
    revision: last?.number ?? 0,
    digest: last?.digest ?? '',
    isChanging: false,
    pauses: {},
    ended: [],
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The phase of a flow whose workflow was ended in Temporal. */
function closedPhaseOf({ status }: FlowWorkflowView): FlowPhase {
  return status === 'Failed' || status === 'Canceled' ? status : 'Terminated';
}
