import { type HeldRecord, RecordState } from './held-records';

export interface LeaseLimits {
  /** How long a record may run without a heartbeat. */
  readonly maxPollIntervalMs: number;
  /** KFLOW_LONG_RUNNING_PROCESSING: a running record may take any time. */
  readonly unlimited: boolean;
  /** Records that the host works on at once. */
  readonly concurrency: number;
}

/** The leases of all held records, at one moment. */
export interface LeaseDecision {
  /** To be renewed at the server. */
  readonly extend: readonly HeldRecord[];
  /** Ran too long without a heartbeat: the server may redeliver them. */
  readonly overdue: readonly HeldRecord[];
  /** Reached by the host since the last decision: their time counts from now. */
  readonly reached: readonly HeldRecord[];
}

/**
 * Decides about the leases of held records; changes nothing. The lease of a record that waits in this replica is renewed;
 * that of a running record only within `max.poll.interval.ms` since its start or its last heartbeat. Records that wait behind
 * an overdue one are not renewed: other replicas get them. A record whose outputs are being stored is renewed.
 *
 * `held` is in the order of hand-over, so the host works on the first `concurrency` running records; the others wait in
 * the host.
 */
export function decideLeases(held: Iterable<HeldRecord>, nowMs: number, limits: LeaseLimits): LeaseDecision {
  const extend: HeldRecord[] = [];
  const overdue: HeldRecord[] = [];
  const reached: HeldRecord[] = [];
  const behind: HeldRecord[] = [];
  let working = 0;
  for (const record of held) {
    if (record.state === RecordState.Running && working < limits.concurrency) {
      working++;
      if (record.aliveAt === undefined) reached.push(record);
      const isLate = !limits.unlimited && nowMs - (record.aliveAt ?? nowMs) > limits.maxPollIntervalMs;
      (isLate ? overdue : extend).push(record);
    } else {
      (record.state === RecordState.Publishing ? extend : behind).push(record);
    }
  }
  return { extend: overdue.length > 0 ? extend : [...extend, ...behind], overdue, reached };
}
