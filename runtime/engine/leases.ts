import { type HeldRecord, RecordState } from './held-records';

export interface LeaseLimits {
  /** Limit of a record's processing time without a heartbeat. */
  readonly maxPollIntervalMs: number;
  /** KFLOW_LONG_RUNNING_PROCESSING: the processing time of a record is not limited. */
  readonly unlimited: boolean;
  /** Records that the host processes concurrently. */
  readonly concurrency: number;
}

/** What to do with the leases of the held records, at one moment. */
export interface LeaseDecision {
  /** Leases to renew at the server. */
  readonly extend: readonly HeldRecord[];
  /** Records that exceeded `maxPollIntervalMs`: the server may redeliver them. */
  readonly overdue: readonly HeldRecord[];
  /** Records that the host has started since the last decision: their time counts from now. */
  readonly started: readonly HeldRecord[];
}

/**
 * Decides which leases to renew; changes nothing. A running record's lease is renewed within `max.poll.interval.ms` of its
 * start or last heartbeat, and a record's whose outputs are being stored always. Waiting records are renewed unless a
 * running record is overdue: then other replicas get them.
 *
 * `held` is in the order of hand-over, so the host processes the first `concurrency` running records; the others wait in
 * the host.
 */
export function decideLeases(held: Iterable<HeldRecord>, nowMs: number, limits: LeaseLimits): LeaseDecision {
  const extend: HeldRecord[] = [];
  const overdue: HeldRecord[] = [];
  const started: HeldRecord[] = [];
  const waiting: HeldRecord[] = [];
  let processing = 0;
  for (const record of held) {
    if (record.state === RecordState.Running && processing < limits.concurrency) {
      processing++;
      if (record.aliveAt === undefined) started.push(record);
      const isLate = !limits.unlimited && nowMs - (record.aliveAt ?? nowMs) > limits.maxPollIntervalMs;
      (isLate ? overdue : extend).push(record);
    } else {
      (record.state === RecordState.Publishing ? extend : waiting).push(record);
    }
  }
  return { extend: overdue.length > 0 ? extend : [...extend, ...waiting], overdue, started };
}
