import type { FlowStatus } from '../../../api-contract/flow-status';

/** A condition of `--wait`. */
export interface Condition {
  /** Completes the sentence "waiting for the flow to …". */
  readonly what: string;
  /** `impossible` when the condition can no longer become true. */
  readonly check: (status: FlowStatus) => 'met' | 'pending' | 'impossible';
  /** Whether a flow that no longer exists meets the condition. */
  readonly isMetWhenGone?: true;
  /** No default timeout, because the time depends on the input. */
  readonly isUnlimited?: true;
}

/** For a flow that was started or changed. A paused flow stays paused and meets the condition. */
export const healthy: Condition = {
  what: 'become healthy',
  check: (status) => unlessClosed(status, isHealthy(status) || ['Paused', 'Completed'].includes(status.status)),
};

/** For a flow with a new document; impossible once the update has been rolled back. */
export function healthyAt(revision: number): Condition {
  return {
    what: `become healthy at revision ${revision}`,
    check: (status) => (status.revision === revision ? healthy.check(status) : 'impossible'),
  };
}

/** For a batch that was started. */
export const completed: Condition = {
  what: 'complete',
  isUnlimited: true,
  check: (status) => unlessClosed(status, status.status === 'Completed'),
};

export const resumed: Condition = {
  what: 'run again and become healthy',
  check: (status) => unlessClosed(status, isHealthy(status) || status.status === 'Completed'),
};

/** For the whole flow or, if the list is not empty, for these functions. */
export function paused(functions: readonly string[]): Condition {
  const isAtRest = (fn: FlowStatus['functions'][number]) => fn.isPaused && fn.ready === 0 && fn.held === 0;
  const isMet = (status: FlowStatus) =>
    status.status === 'Paused' ||
    (functions.length > 0 && status.functions.filter((fn) => functions.includes(fn.function)).every(isAtRest));
  return {
    what: functions.length === 0 ? 'pause' : `pause ${functions.join(', ')}`,
    check: (status) => unlessClosed(status, isMet(status)),
  };
}

export const stopped: Condition = {
  what: 'stop',
  check: (status) => unlessClosed(status, status.status === 'Stopped'),
};

export const deleted: Condition = {
  what: 'be deleted',
  isMetWhenGone: true,
  check: (status) => (status.closeTime === null || status.status === 'Stopped' ? 'pending' : 'met'),
};

/** A flow that closed without meeting the condition can no longer meet it. */
function unlessClosed(status: FlowStatus, isMet: boolean): ReturnType<Condition['check']> {
  if (isMet) return 'met';
  return status.closeTime === null ? 'pending' : 'impossible';
}

/** Healthy, or degraded only by earlier dead letters while every replica is ready. */
function isHealthy({ status, health, functions }: FlowStatus): boolean {
  if (status !== 'Running') return false;
  const hasOnlyDeadLetters =
    health.state === 'degraded' && health.problems.every(({ reason }) => reason === 'DeadLetters');
  return (
    health.state === 'healthy' ||
    (hasOnlyDeadLetters && functions.every((fn) => fn.isPaused || fn.isDone || fn.ready >= fn.replicas))
  );
}
