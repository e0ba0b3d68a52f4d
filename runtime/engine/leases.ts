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
  /** Records that exceeded `maxPollIntervalMs`: their code has to be stopped. */
  readonly overdue: readonly HeldRecord[];
  /** Records that the host has started since the last decision: their time counts from now. */
  readonly started: readonly HeldRecord[];
}

/** A shorter wait for room is part of the normal flow, and counts: an endless function waits often and never long. */
const shortWaitMs = 1_000;

/**
 * Decides which leases to renew; changes nothing. The leases of all held records are renewed, those of overdue ones
 * excepted. A record is overdue `max.poll.interval.ms` after its start or last heartbeat. Time in which its function waits
 * for room for its outputs does not count.
 *
 * `held` is in the order of hand-over, so the host processes the first `concurrency` running records; the others wait in
 * the host.
 */
export function decideLeases(held: Iterable<HeldRecord>, nowMs: number, limits: LeaseLimits): LeaseDecision {
  const extend: HeldRecord[] = [];
  const overdue: HeldRecord[] = [];
  const started: HeldRecord[] = [];
  let processing = 0;
  for (const record of held) {
    const isProcessing = record.state === RecordState.Running && processing++ < limits.concurrency;
    if (isProcessing && record.aliveAt === undefined) started.push(record);
    const isLate = isProcessing && !limits.unlimited && runtimeOf(record, nowMs) > limits.maxPollIntervalMs;
    (isLate ? overdue : extend).push(record);
  }
  return { extend, overdue, started };
}

/** The record's outputs have no room until `room` resolves: its function waits, and the wait does not count if it is long. */
export function waitForRoom(record: HeldRecord, room: Promise<void>, nowMs: () => number = Date.now): void {
  if (record.waitingSince !== undefined) return; // every wait ends when there is room
  const since = nowMs();
  record.waitingSince = since;
  void room.then(() => {
    if (record.waitingSince !== since) return; // it runs again
    record.waitingSince = undefined;
    const waitedMs = nowMs() - since;
    if (waitedMs >= shortWaitMs && record.aliveAt !== undefined) {
      record.aliveAt = Math.min(record.aliveAt + waitedMs, nowMs()); // not later than now, after a heartbeat
    }
  });
}

function runtimeOf({ aliveAt, waitingSince }: HeldRecord, nowMs: number): number {
  if (aliveAt === undefined) return 0;
  const isWaiting = waitingSince !== undefined && nowMs - waitingSince >= shortWaitMs;
  return (isWaiting ? waitingSince : nowMs) - aliveAt;
}

/**
 * Tells the time in which the replica itself did not run: it was frozen, or the machine slept.
 */
export class FrozenTime {
  private lastMs: number;

  constructor(
    private readonly everyMs: number,
    nowMs: number,
  ) {
    this.lastMs = nowMs;
  }

  /** Call every `everyMs`; returns the time since the last call that nothing accounts for. */
  since(nowMs: number): number {
    const elapsedMs = nowMs - this.lastMs;
    this.lastMs = nowMs;
    return elapsedMs > 2 * this.everyMs ? elapsedMs - this.everyMs : 0;
  }
}
