import { type HeldRecord, RecordState } from './held-record';

export interface LeaseLimits {
  /** How long a record may run without a heartbeat. */
  readonly maxPollIntervalMs: number;
  /** KFLOW_LONG_RUNNING_PROCESSING: a running record may take any time. */
  readonly unlimited: boolean;
  /** Records that the host works on at once. */
  readonly concurrency: number;
}

/** What is to be done about the records held, at one moment. */
export interface LeaseDecision {
  /** Tell the server that they are in work. */
  readonly extend: readonly HeldRecord[];
  /** They took too long without a heartbeat: the server may hand them out again. */
  readonly overdue: readonly HeldRecord[];
}

/**
 * The rule of leases. A record that waits in this replica is kept alive by the replica; a running one only as long as
 * `max.poll.interval.ms` allows since its start or last heartbeat. What waits behind an overdue record is not kept alive:
 * other replicas shall have it. What was published is, until it is stored.
 *
 * `held` is in the order of hand-over, so the first `concurrency` running ones are those the host works on; the others
 * wait in the host. Sets `aliveAt` of records that the host has reached.
 */
export function decideLeases(held: Iterable<HeldRecord>, nowMs: number, limits: LeaseLimits): LeaseDecision {
  const extend: HeldRecord[] = [];
  const overdue: HeldRecord[] = [];
  const behind: HeldRecord[] = [];
  let working = 0;
  for (const record of held) {
    if (record.state === RecordState.Running && working < limits.concurrency) {
      working++;
      record.aliveAt ??= nowMs;
      const late = !limits.unlimited && nowMs - record.aliveAt > limits.maxPollIntervalMs;
      (late ? overdue : extend).push(record);
    } else {
      (record.state === RecordState.Publishing ? extend : behind).push(record);
    }
  }
  return { extend: overdue.length > 0 ? extend : [...extend, ...behind], overdue };
}
