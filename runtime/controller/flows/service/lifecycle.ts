import type { Phase } from '../../../api-contract/flow-status';
import { isClosedPhase } from '../ports/flow-phase';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowWorkflowView } from '../ports/flow-workflow';

/** Where a flow is in its life. */
export interface Lifecycle {
  readonly phase: Phase;
  readonly isOpen: boolean;
  readonly startTime: string;
  readonly closeTime: string | null;
  readonly since: string;
  readonly runId: string;
  readonly revision: number;
  /** Empty when its documents are gone. */
  readonly digest: string;
  /** The cluster has not been told yet what is wanted last. */
  readonly isChanging: boolean;
  /** Functions that requests have paused or resumed, whatever the document says. */
  readonly pauses: { readonly [functionId: string]: boolean };
  /** Batch functions that had ended before, and do not run in this life. */
  readonly ended: readonly string[];
  readonly reason?: string;
}

/**
 * The life of a flow as its last workflow and its record tell it; undefined when neither does. The workflow's own words
 * count while it runs; of one that somebody ended from outside, Temporal's do.
 */
export function lifecycleOf(view: FlowWorkflowView | undefined, record: FlowRecord | undefined): Lifecycle | undefined {
  const last = record?.revisions.at(-1);
  if (view?.memo !== undefined) {
    const { memo, isOpen, closeTime } = view;
    const isOver = isClosedPhase(memo.phase);
    const phase: Phase = isOpen || isOver ? memo.phase : closedPhaseOf(view);
    const end = isOver ? memo.since : (closeTime ?? memo.since);
    const hasData = !isOver || last !== undefined;
    return {
      phase,
      isOpen: isOpen && !isOver,
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
  const forgotten = { status: 'Terminated' as const, closeTime: record.startTime, reason: 'Temporal does not know it' };
  const { status, closeTime, reason } = record.closed ?? forgotten;
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

/** A workflow that ended without a word was ended from outside. */
function closedPhaseOf({ status }: FlowWorkflowView): Phase {
  return status === 'Failed' || status === 'Canceled' ? status : 'Terminated';
}
