import { type Counters, countFailure } from './counters';
import { decideFailure } from './failures';
import { type HeldRecord, RecordState } from './held-records';
import type { DeadLetters } from './letters/dead-letters';
import type { Failure, Log } from './ports/host';
import type { ErrorStream } from './side-stream/error-stream';

/** Stores what becomes of the records that are given up. */
export interface LetterSink extends Pick<DeadLetters, 'put' | 'ended' | 'retrying'> {
  /** What `put` does, for the log; without it, `writing a dead letter`, and attempts are counted. */
  readonly does?: string;
}

export interface SettlementPorts {
  readonly spec: { readonly maxDeliver: number };
  readonly deadLetters: LetterSink;
  readonly counters: Counters;
  readonly log: Log;
  /** Gets every failed attempt. */
  readonly errors?: Pick<ErrorStream, 'report'>;
}

/** Delay before the redelivery of a record whose dead letter was not stored. */
const deadLetterRetryMs = 1_000;

/**
 * Ends records: acks, naks and dead letters, with their counts and lines in the log.
 *
 * I1. A message is acked only after all of its outputs are stored, or its dead letter is: in `settle` and nowhere else.
 * I2. A record that is not acked is nak'd, at once or with a delay; no record is dropped.
 * I3. A record is nak'd once: another replica may have it by then.
 */
export class Settlement {
  /** `ended` is called once for each record, after its ack or nak. */
  constructor(
    private readonly ports: SettlementPorts,
    private readonly ended: (record: HeldRecord, isAcked: boolean) => void,
  ) {}

  /** The record's function has finished, and all of its outputs are stored or refused. */
  settle(record: HeldRecord): void {
    if (record.failure !== undefined) {
      this.fail(record, record.failure);
      return;
    }
    record.delivery.ack(); // I1
    this.ports.deadLetters.ended(record);
    this.ports.counters.in++;
    this.ended(record, true);
  }

  /** An earlier delivery has stored the record's dead letter. */
  settleDead(record: HeldRecord): void {
    record.delivery.ack(); // I1
    this.ports.deadLetters.ended(record);
    this.ended(record, true);
  }

  giveBack(record: HeldRecord, delayMs: number): void {
    if (record.state === RecordState.Settled) return; // I3
    record.delivery.nak(delayMs);
    this.ended(record, false);
  }

  /** Whether another failed attempt makes a dead letter of the record. */
  isLastAttempt(record: HeldRecord): boolean {
    return record.delivery.deliveries >= this.ports.spec.maxDeliver;
  }

  private fail(record: HeldRecord, failure: Failure): void {
    const { counters, spec, log, errors } = this.ports;
    errors?.report(record, failure);
    const { deliveries } = record.delivery;
    countFailure(counters, failure);
    const decision = decideFailure(failure, deliveries, spec.maxDeliver);
    const { does } = this.ports.deadLetters;
    const next = decision.kind === 'retry' ? `retrying in ${decision.delayMs} ms` : (does ?? 'writing a dead letter');
    const trace = failure.trace === undefined ? '' : `\n${failure.trace}`;
    const attempt = does !== undefined ? 'failed' : `attempt ${deliveries} of ${spec.maxDeliver} failed`;
    const text = `${attempt}, ${next}: ${failure.type}: ${failure.message}`;
    log('ERROR', `${record.name}: ${text}${trace}`, record.subject);
    if (decision.kind === 'dead-letter') {
      this.writeDeadLetter(record, failure);
      return;
    }
    this.ports.deadLetters.retrying(record, failure);
    this.giveBack(record, decision.delayMs);
  }

  private writeDeadLetter(record: HeldRecord, failure: Failure): void {
    const { deadLetters, counters, log } = this.ports;
    deadLetters.put(record, failure, (error) => {
      if (error !== undefined) {
        log('ERROR', `${record.name}: dead letter not stored, retrying: ${error.message}`, record.subject);
        this.giveBack(record, deadLetterRetryMs);
        return;
      }
      record.delivery.ack(); // I1: the dead letter is stored
      deadLetters.ended(record);
      counters.dead++;
      this.ended(record, true);
    });
  }
}
