import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { maxLoneAttempts, replicaFailure } from '../failures';
import { type HeldRecord, RecordState } from '../held-records';
import type { Failure, Log } from '../ports/host';
import type { LoneAttempts } from '../ports/lone-attempts';

export interface CautionPorts {
  readonly spec: Pick<FunctionSpec, 'ackWaitMs' | 'maxDeliver'>;
  readonly log: Log;
  /** The record has ended too many replicas. */
  readonly failed: (record: HeldRecord, failure: Failure) => void;
  readonly giveBack: (record: HeldRecord, delayMs: number) => void;
}

/** Delay before the redelivery of a record whose lone attempt could not be noted. */
const noteRetryMs = 1_000;

/**
 * What a replica does after one that ended uncleanly: a record may have ended it.
 *
 * C1. Redelivered records run one at a time, and each attempt is noted before it starts: what ends the replica is counted, too.
 * C2. The caution ends with the first new record after the leases of the replica before have ended: the server redelivers
 *     before it delivers anything new, so nothing of that replica is left.
 */
export class Caution {
  private isOver: boolean;
  private endsAfterMs = Number.POSITIVE_INFINITY;
  /** An attempt is being noted. */
  isNoting = false;

  /** Without `attempts`, there is nothing to be cautious about. */
  constructor(
    private readonly attempts: LoneAttempts | undefined,
    private readonly ports: CautionPorts,
  ) {
    this.isOver = attempts === undefined;
  }

  /** The replica begins to pull. */
  start(): void {
    this.endsAfterMs = Date.now() + 1.5 * this.ports.spec.ackWaitMs;
  }

  get isOn(): boolean {
    return !this.isOver;
  }

  runsAlone({ delivery }: HeldRecord): boolean {
    return this.isOn && delivery.deliveries > 1; // C1
  }

  /** Whether these records have ended the caution. */
  endsWith(records: readonly HeldRecord[]): boolean {
    if (this.isOver || Date.now() <= this.endsAfterMs || records.every((record) => this.runsAlone(record)))
      return false;
    this.isOver = true; // C2
    return true;
  }

  /** Whether the attempt of a record that runs alone has to be noted before. */
  mustNote(record: HeldRecord): boolean {
    return this.isOn && !record.isNoted;
  }

  /** Notes the attempt; a record that has ended too many replicas becomes a dead letter. */
  async note(record: HeldRecord): Promise<void> {
    const { spec, log, failed, giveBack } = this.ports;
    this.isNoting = true;
    try {
      const earlier = (await this.attempts?.begin(record.delivery)) ?? 0;
      record.isNoted = true;
      if (earlier >= maxLoneAttempts(spec.maxDeliver)) failed(record, replicaFailure(earlier));
    } catch (error) {
      log('WARNING', `${record.name}: the attempt cannot be noted, retrying: ${String(error)}`, record.subject);
      if (record.state !== RecordState.Settled) giveBack(record, noteRetryMs);
    }
    this.isNoting = false;
    if (record.state === RecordState.Settled) this.ended(record); // given back meanwhile
  }

  /** The record cannot end the replica any more. */
  ended(record: HeldRecord): void {
    if (!record.isNoted) return;
    record.isNoted = false;
    this.attempts?.end(record.delivery);
  }
}
