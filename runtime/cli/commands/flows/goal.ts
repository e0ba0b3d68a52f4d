import type { FlowStatus } from '../../../api-contract/flow-status';

/** Where a request is to end. */
export interface Goal {
  /** Completes "waiting until it …". */
  readonly what: string;
  /** `missed` when it cannot be reached any more, and nothing is to wait for. */
  readonly reached: (status: FlowStatus) => 'reached' | 'missed' | 'not-yet';
  /** The flow itself may be gone at the end. */
  readonly isGoneFine?: true;
  /** There is an end only once all input is processed, however long that takes. */
  readonly isLong?: true;
}

/** A flow that is closed in any other way than the one named has missed the goal. */
function unlessClosed(status: FlowStatus, isReached: boolean): ReturnType<Goal['reached']> {
  if (isReached) return 'reached';
  return status.closeTime === null ? 'not-yet' : 'missed';
}

/** Records that were given up on once hold nothing up: with them alone a flow runs as well as it can. */
function isWell({ status, health, functions }: FlowStatus): boolean {
  if (status !== 'Running') return false;
  const isOfThePast = health.state === 'degraded' && health.problems.every(({ reason }) => reason === 'DeadLetters');
  return (
    health.state === 'healthy' ||
    (isOfThePast && functions.every((fn) => fn.isPaused || fn.isDone || fn.ready >= fn.replicas))
  );
}

/** Of a flow that is started or changed. One that is paused stays so, and is only to take the change. */
export const running: Goal = {
  what: 'runs and is healthy',
  reached: (status) =>
    unlessClosed(status, isWell(status) || status.status === 'Paused' || status.status === 'Completed'),
};

/** Of a flow that gets another document: when that is taken back, as it is when it does not get ready, the goal is missed. */
export function inForce(revision: number): Goal {
  return {
    what: `runs with revision ${revision} and is healthy`,
    reached: (status) => (status.revision === revision ? running.reached(status) : 'missed'),
  };
}

/** Of a batch that is started. */
export const completed: Goal = {
  what: 'has completed',
  isLong: true,
  reached: (status) => unlessClosed(status, status.status === 'Completed'),
};

/** Of a flow that goes on after a pause. */
export const resumed: Goal = {
  what: 'runs again and is healthy',
  reached: (status) => unlessClosed(status, isWell(status) || status.status === 'Completed'),
};

/** Of a pause; of these functions alone when there are any. */
export function paused(functions: readonly string[]): Goal {
  const isAtRest = (fn: FlowStatus['functions'][number]) => fn.isPaused && fn.ready === 0 && fn.held === 0;
  const what = functions.length === 0 ? 'is paused' : `has ${functions.join(', ')} paused`;
  const isReached = (status: FlowStatus) =>
    status.status === 'Paused' ||
    (functions.length > 0 && status.functions.filter((fn) => functions.includes(fn.function)).every(isAtRest));
  return { what, reached: (status) => unlessClosed(status, isReached(status)) };
}

export const stopped: Goal = {
  what: 'is stopped',
  reached: (status) => unlessClosed(status, status.status === 'Stopped'),
};

/** Of a flow that is deleted. */
export const gone: Goal = {
  what: 'is gone',
  isGoneFine: true,
  reached: (status) => (status.closeTime === null || status.status === 'Stopped' ? 'not-yet' : 'reached'),
};
