import type { DriftReason } from '../../../engine/drift/drift';
import type { FunctionProgress } from '../../ports/streams';
import type { Finding } from './health-memory';

/** A reconciled change is shown for this long; the event log keeps it. */
const shownMs = 60 * 60_000;
/** How long the replicas may take to recreate what somebody removed. */
const recreateMs = 15_000;

/** Changes after which nothing is missing and nothing is left to do. */
const reconciled: ReadonlySet<DriftReason> = new Set([
  'ConsumerRecreated',
  'ConsumerRestored',
  'StreamRecreated',
  'StreamRestored',
  'StateRestored',
]);

/** What somebody changed from outside in the streams and consumers of a function. Lost records stay a problem. */
export function findDrift({ function: id, drifts = [] }: FunctionProgress, now: number): readonly Finding[] {
  return drifts.flatMap((drift): readonly Finding[] => {
    const { reason, message, at } = drift;
    const isReconciled = reconciled.has(reason) && drift.lost === undefined;
    if (isReconciled && now - Date.parse(at) > shownMs) return [];
    return [{ function: id, reason, message, since: at, weight: isReconciled ? 'info' : 'degraded', about: drift.id }];
  });
}

/** Streams, consumers and buckets of a function that do not exist. Replicas that run recreate them. */
export function findMissing({ function: id, missing = [] }: FunctionProgress, isRunning: boolean): readonly Finding[] {
  const remedy = isRunning
    ? 'its replicas recreate it; if they do not, stop the flow and submit it again'
    : 'it is recreated when the flow is submitted again or its functions run';
  return missing.map((what) => ({
    function: id,
    reason: 'Removed',
    message: `the ${what} does not exist: somebody removed it; ${remedy}`,
    weight: isRunning ? 'unhealthy' : 'degraded',
    about: what,
    ...(isRunning ? { graceMs: recreateMs } : {}),
  }));
}
