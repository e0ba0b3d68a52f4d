import { type HeldRecord, RecordState } from '../held-records';

export interface LeaseLimits {
  /** Limit of a record's processing time without a heartbeat. */
  readonly maxPollIntervalMs: number;
  /**
   * The processing time of a record is not limited: always, with KFLOW_LONG_RUNNING_PROCESSING, or while the host waits for
   * room.
   */
  readonly unlimited: boolean;
  /** Records that the host processes concurrently. */
  readonly concurrency: number;
  /** The host reports each record that it starts: the others wait, without a limit. */
  readonly reportsBegan?: boolean;
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
 * excepted. A record is overdue `max.poll.interval.ms` after its start or last heartbeat.
 *
 * `held` is in the order of hand-over, so the host processes the first `concurrency` running records, unless it reports
 * what it starts; the others wait in the host.
 */
export function decideLeases(held: Iterable<HeldRecord>, nowMs: number, limits: LeaseLimits): LeaseDecision {
  const extend: HeldRecord[] = [];
  const overdue: HeldRecord[] = [];
  const started: HeldRecord[] = [];
  let processing = 0;
  for (const record of held) {
    const isStarted = () => (limits.reportsBegan === true ? record.hasBegun : processing++ < limits.concurrency);
    const isProcessing = record.state === RecordState.Running && isStarted();
    if (isProcessing && record.aliveAt === undefined) started.push(record);
    const isLate = isProcessing && !limits.unlimited && nowMs - (record.aliveAt ?? nowMs) > limits.maxPollIntervalMs;
    (isLate ? overdue : extend).push(record);
  }
  return { extend, overdue, started };
}

/**
 * The time in which the function waits for room for its outputs. The wait is that of the host: while many outputs wait, the
 * host sends no outcome and no heartbeat of any record.
 */
export class RoomWaits {
  private pending = 0;
  /** Many outputs wait for the same. */
  private latest: Promise<void> | undefined;
  private sinceMs = 0;

  /** `waited` is called with the length of each long wait, after its end. */
  constructor(
    private readonly waited: (ms: number) => void,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** An output waits until `room` resolves. */
  wait(room: Promise<void>): void {
    if (room === this.latest) return;
    this.latest = room;
    if (this.pending++ === 0) this.sinceMs = this.nowMs();
    void room.then(() => this.end(room));
  }

  /** Whether a long wait is going on. */
  get isLong(): boolean {
    return this.pending > 0 && this.nowMs() - this.sinceMs >= shortWaitMs;
  }

  private end(room: Promise<void>): void {
    const { isLong } = this;
    if (room === this.latest) this.latest = undefined;
    this.pending--;
    if (this.pending === 0 && isLong) this.waited(this.nowMs() - this.sinceMs);
  }
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
