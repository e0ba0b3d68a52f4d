import type { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { Counters } from './counters';
import type { DeadLetters } from './dead-letters';
import { decideFailure, failureOf } from './failure';
import { type HeldRecord, HeldRecords, RecordState } from './held-records';
import { Intake } from './intake';
import { decideLeases } from './lease-keeper';
import { originOf } from './origin';
import type { OutputWriter } from './output-writer';
import type { DeliverySource } from './ports/delivery';
import type { Failure, Host, HostEvents, LogLevel } from './ports/host';
import type { RecordObserver } from './ports/record-observer';
import type { Preparation } from './preparation';
import { ProcessingTimes } from './processing-times';

export interface RecordLoopPorts {
  readonly spec: FunctionSpec;
  /** One for each of `spec.inputs`, in that order. */
  readonly inputs: readonly DeliverySource[];
  readonly writer: OutputWriter;
  readonly preparation: Preparation;
  readonly deadLetters: DeadLetters;
  readonly counters: Counters;
  readonly log: (level: LogLevel, text: string) => void;
  /** KFLOW_LONG_RUNNING_PROCESSING: records may take any time. */
  readonly isLongRunning: boolean;
  /** Left out: no time is taken. */
  readonly observer?: RecordObserver;
}

/**
 * Moves records through a function: pull, prepare, host, publish, ack. Nothing is awaited one record at a time.
 *
 * I1. A message is acked only after all of its outputs are stored, or its dead letter is: `settle` and nowhere else.
 * I2. An output's id is its origin and its index: the same input gives the same ids, and a stream keeps each once.
 * I3. A record that is not acked is given back, at once or after a delay; none is let go otherwise.
 */
export class RecordLoop implements HostEvents {
  private readonly held = new HeldRecords();
  /** Records in the host, in the order of hand-over. */
  private readonly handed = new Map<number, HeldRecord>();
  private readonly intake: Intake;
  private readonly leases: NodeJS.Timeout;
  private host: Host | undefined;
  private times: ProcessingTimes | undefined;
  private fail: (cause: Error) => void = () => undefined;
  private stopping = false;

  constructor(private readonly ports: RecordLoopPorts) {
    this.intake = new Intake(ports.inputs, this.held, ports.preparation, {
      ready: (records) => this.handOver(records),
      unreadable: (record, error) => this.failed(record.id, failureOf(error)),
      notRemoved: (record, error) => this.log('WARNING', `${nameOf(record)}: a downloaded file is left: ${error}`),
    });
    this.leases = setInterval(() => this.keepLeases(), ports.spec.ackWaitMs / 3);
  }

  /** Works until `stop`. `onCrash` hears of a host that died: the replica cannot go on. */
  start(host: Host, onCrash: (cause: Error) => void): void {
    this.host = host;
    this.fail = onCrash;
    if (this.ports.observer !== undefined) this.times = new ProcessingTimes(this.ports.observer, host.atOnce);
    this.intake.start(host.atOnce);
  }

  /** True when nothing is held. */
  get idle(): boolean {
    return this.held.size === 0;
  }

  /** Takes no more, gives back what has not begun, and lets what runs finish within the grace time. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    this.intake.stop();
    this.giveBackUnbegun();
    const deadline = Date.now() + graceMs;
    while (!this.idle && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(this.leases);
    for (const record of this.held.values()) this.giveBack(record, 0);
  }

  private handOver(records: readonly HeldRecord[]): void {
    if (this.stopping) {
      for (const record of records) this.giveBack(record, 0);
      return;
    }
    for (const record of records) {
      record.advance(RecordState.Running);
      this.handed.set(record.id, record);
    }
    this.times?.handed(records);
    this.host?.process(
      records.map((record) => ({
        id: record.id,
        payload: record.payload,
        origin: { input: record.input, sequence: record.delivery.sequence },
        download: record.download,
      })),
    );
  }

  began(id: number): void {
    if (this.times === undefined) return;
    const record = this.handed.get(id);
    if (record !== undefined) this.times.began(record);
  }

  output(id: number, payload: Uint8Array, side: string): Promise<void> | undefined {
    const record = this.handed.get(id);
    if (record === undefined) return undefined;
    const { spec, writer, counters } = this.ports;
    const output = side === '' ? spec.output : spec.sideOutputs.find((candidate) => candidate.id === side);
    const index = record.outputs++;
    if (side === '') counters.out++;
    if (output === undefined || record.published?.has(index) === true) return undefined; // nobody reads it, or stored before
    record.unsettledOutputs++;
    writer.write(output, `${originOf(spec, record.delivery)}:${index}`, payload, (error) => {
      this.onOutputSettled(record, error);
    });
    return writer.room();
  }

  done(id: number): void {
    this.finish(id);
  }

  failed(id: number, failure: Failure): void {
    this.finish(id, failure);
  }

  released(id: number): void {
    const record = this.handed.get(id);
    if (record !== undefined) this.giveBack(record, 0);
  }

  heartbeat(id: number): void {
    const record = this.handed.get(id);
    if (record === undefined) return;
    record.aliveAt = Date.now();
    record.delivery.working();
  }

  log(level: LogLevel, text: string): void {
    this.ports.log(level, text);
  }

  crashed(cause: Error): void {
    this.fail(cause);
  }

  /** The function has ended with a record, or the record never came to it. */
  private finish(id: number, failure?: Failure): void {
    const record = this.held.get(id);
    if (record === undefined) return;
    this.handed.delete(id);
    this.times?.ended(record);
    record.failure ??= failure;
    record.advance(RecordState.Publishing);
    if (record.unsettledOutputs === 0) this.settle(record);
  }

  private onOutputSettled(record: HeldRecord, error: KFlowError | undefined): void {
    record.unsettledOutputs--;
    if (error !== undefined) record.failure ??= failureOf(error);
    if (record.unsettledOutputs === 0 && record.state === RecordState.Publishing) this.settle(record);
  }

  /** The one place where a record is acked: its function has ended and all of its outputs are stored (I1). */
  private settle(record: HeldRecord): void {
    const { failure } = record;
    if (failure === undefined) {
      record.delivery.ack();
      this.ports.counters.in++;
      this.forget(record);
      return;
    }
    this.ports.counters.failed++;
    this.ports.counters.lastFailure = `${failure.type}: ${failure.message}`;
    const { deliveries } = record.delivery;
    const decision = decideFailure(failure, deliveries, this.ports.spec.maxDeliver);
    const next = decision.kind === 'retry' ? `again in ${decision.delayMs} ms` : 'to the dead letters';
    const trace = failure.trace === undefined ? '' : `\n${failure.trace}`;
    const what = `failed, try ${deliveries} of ${this.ports.spec.maxDeliver}, ${next}: ${failure.type}: ${failure.message}`;
    this.log('ERROR', `${nameOf(record)} ${what}${trace}`);
    if (decision.kind === 'retry') this.giveBack(record, decision.delayMs);
    else this.bury(record, failure);
  }

  private bury(record: HeldRecord, failure: Failure): void {
    this.ports.deadLetters.put(record, failure, (error) => {
      if (error !== undefined) {
        this.log('ERROR', `${nameOf(record)}: its dead letter was not stored, so it is tried again: ${error.message}`);
        this.giveBack(record, 1_000);
        return;
      }
      record.delivery.ack(); // I1: its dead letter is stored
      this.ports.counters.dead++;
      this.forget(record);
    });
  }

  private giveBack(record: HeldRecord, delayMs: number): void {
    record.delivery.nak(delayMs);
    this.forget(record);
  }

  private forget(record: HeldRecord): void {
    if (record.state === RecordState.Settled) return;
    record.advance(RecordState.Settled);
    this.held.remove(record);
    this.handed.delete(record.id);
    this.times?.left(record);
    this.intake.release(record);
  }

  private keepLeases(): void {
    const others = [...this.held.values()].filter((record) => !this.handed.has(record.id));
    const nowMs = Date.now();
    const { extend, overdue, reached } = decideLeases([...this.handed.values(), ...others], nowMs, {
      maxPollIntervalMs: this.ports.spec.maxPollIntervalMs,
      unlimited: this.ports.isLongRunning,
      concurrency: this.host?.atOnce ?? 1,
    });
    for (const record of reached) record.aliveAt = nowMs;
    for (const record of extend) record.delivery.working();
    if (overdue.length > 0) this.onOverdue(overdue);
  }

  /** What is overdue may be processed elsewhere from now on; a late result still counts, and by I2 only once. */
  private onOverdue(overdue: readonly HeldRecord[]): void {
    const limit = this.ports.spec.maxPollIntervalMs;
    for (const record of overdue) {
      this.log(
        'WARNING',
        `${nameOf(record)} took longer than max.poll.interval.ms (${limit}) without a heartbeat; it is delivered again`,
      );
      record.aliveAt = Date.now();
      record.delivery.nak(0);
    }
    this.giveBackUnbegun();
  }

  /** What is queued, being prepared, or in the host and not started. */
  private giveBackUnbegun(): void {
    this.intake.dropWaiting();
    for (const record of this.held.values()) {
      if (record.state === RecordState.Queued || record.state === RecordState.Preparing) this.giveBack(record, 0);
    }
    this.host?.release();
  }
}

function nameOf(record: HeldRecord): string {
  return `record ${record.delivery.stream}:${record.delivery.sequence}`;
}
