import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { HeldRecord } from '../held-records';
import { decideLeases, FrozenTime, RoomWaits } from './leases';

export interface LeaseKeeperPorts {
  readonly spec: Pick<FunctionSpec, 'ackWaitMs' | 'maxPollIntervalMs'>;
  /** KFLOW_LONG_RUNNING_PROCESSING: the processing time of a record is not limited. */
  readonly isLongRunning: boolean;
  /** Records that the host processes concurrently. */
  readonly concurrency: () => number;
  /** The host reports each record that it starts. */
  readonly reportsBegan: () => boolean;
  /** The records in the host, in the order of hand-over. */
  readonly inHost: () => ReadonlyMap<number, HeldRecord>;
  readonly held: () => Iterable<HeldRecord>;
  /** The records' time is over. */
  readonly overdue: (records: readonly HeldRecord[]) => void;
}

/** Records are checked at most this often; a short `max.poll.interval.ms` makes it more often than the leases need. */
const leastCheckMs = 250;

/** Finds the overdue records of a replica, and renews the leases of the others three times within ackWait. */
export class LeaseKeeper {
  private readonly timer: NodeJS.Timeout;
  /** A whole number of checks is a third of ackWait. */
  private readonly checkEveryMs: number;
  private renewedAtMs = Date.now();
  private readonly frozen: FrozenTime;
  private readonly roomWaits = new RoomWaits((ms) => this.discount(ms));

  constructor(private readonly ports: LeaseKeeperPorts) {
    const { ackWaitMs, maxPollIntervalMs } = ports.spec;
    const checkMs = Math.max(leastCheckMs, maxPollIntervalMs / 8);
    const renewMs = ackWaitMs / 3;
    this.checkEveryMs = renewMs / Math.ceil(renewMs / checkMs);
    this.frozen = new FrozenTime(this.checkEveryMs, Date.now());
    this.timer = setInterval(() => this.check(), this.checkEveryMs);
  }

  /** An output waits until `room` resolves: that time does not count. */
  waitsFor(room: Promise<void>): void {
    this.roomWaits.wait(room);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private check(): void {
    const { spec, isLongRunning, concurrency, reportsBegan } = this.ports;
    const inHost = this.ports.inHost();
    const others = [...this.ports.held()].filter((record) => !inHost.has(record.id));
    const nowMs = Date.now();
    const frozenMs = this.frozen.since(nowMs);
    if (frozenMs > 0)
      for (const record of inHost.values()) if (record.aliveAt !== undefined) record.aliveAt += frozenMs;
    const { extend, overdue, started } = decideLeases([...inHost.values(), ...others], nowMs, {
      maxPollIntervalMs: spec.maxPollIntervalMs,
      unlimited: isLongRunning || this.roomWaits.isLong,
      concurrency: concurrency(),
      reportsBegan: reportsBegan(),
    });
    for (const record of started) record.aliveAt = nowMs;
    const sinceMs = nowMs - this.renewedAtMs; // negative: the clock was set back
    if (sinceMs < 0 || sinceMs > spec.ackWaitMs / 3 - this.checkEveryMs / 2) {
      this.renewedAtMs = nowMs;
      for (const record of extend) record.delivery.working();
    }
    if (overdue.length > 0) this.ports.overdue(overdue);
  }

  /** Time in which the records in the host could not be processed, or the host could not say so, does not count. */
  private discount(ms: number): void {
    const nowMs = Date.now();
    for (const record of this.ports.inHost().values()) {
      if (record.aliveAt !== undefined) record.aliveAt = Math.min(record.aliveAt + ms, nowMs);
    }
  }
}
