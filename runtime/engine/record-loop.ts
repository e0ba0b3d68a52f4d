import type { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { Counters } from './counters';
import { type DeadLetters, decideFailure, failureOf } from './dead-letters';
import { type HeldRecord, HeldRecords, RecordState } from './held-records';
import { HostSupervisor, type SupervisorEvents } from './host-supervisor';
import { Intake } from './intake';
import { decideLeases } from './leases';
import { type OutputWriter, originOf } from './output-writer';
import type { DeliverySource } from './ports/delivery';
import type { CreateHost, Failure, LogLevel } from './ports/host';
import type { Preparation } from './preparation';
import { ProcessingTimes, type RecordObserver } from './processing-times';

export interface RecordLoopPorts {
  readonly spec: FunctionSpec;
  /** One for each of `spec.inputs`, in that order. */
  readonly inputs: readonly DeliverySource[];
  /** Creates a host of the function's code; called again after a crash or a kill. */
  readonly createHost: CreateHost;
  readonly writer: OutputWriter;
  readonly preparation: Preparation;
  readonly deadLetters: DeadLetters;
  readonly counters: Counters;
  readonly log: (level: LogLevel, text: string) => void;
  /** KFLOW_LONG_RUNNING_PROCESSING: the processing time of a record is not limited. */
  readonly isLongRunning: boolean;
  /** Without an observer, processing times are not measured. */
  readonly observer?: RecordObserver;
}

/** Delay before the redelivery of a record whose dead letter was not stored. */
const deadLetterRetryMs = 1_000;

/**
 * Moves records through a function: pull, prepare, host, publish, ack. No step waits for a single record.
 *
 * I1. A message is acked only after all of its outputs are stored, or its dead letter is: in `settle` and nowhere else.
 * I2. The id of an output is its origin and its index: the same input yields the same ids, and a stream stores each once.
 * I3. A record that is not acked is nak'd, at once or with a delay; no record is dropped.
 */
export class RecordLoop implements SupervisorEvents {
  private readonly held = new HeldRecords();
  /** Records in the host, in the order of hand-over. */
  private readonly inHost = new Map<number, HeldRecord>();
  /** Prepared records that wait for a host. */
  private readonly waiting: HeldRecord[] = [];
  private readonly intake: Intake;
  private readonly leaseTimer: NodeJS.Timeout;
  private readonly supervisor: HostSupervisor;
  private times: ProcessingTimes | undefined;
  private onBroken: (cause: Error) => void = () => undefined;

  constructor(private readonly ports: RecordLoopPorts) {
    this.supervisor = new HostSupervisor(ports.createHost, this);
    this.intake = new Intake(ports.inputs, this.held, ports.preparation, {
      ready: (records) => this.handOver(records),
      unreadable: (record, error) => this.failed(record.id, failureOf(error)),
      discardFailed: (record, error) =>
        this.log('WARNING', `${nameOf(record)}: downloaded file not deleted: ${String(error)}`),
    });
    this.leaseTimer = setInterval(() => this.renewLeases(), ports.spec.ackWaitMs / 3);
  }

  /**
   * Opens a host, and processes records until `stop`. Rejects when the function's code cannot be loaded. After `onBroken` no
   * host runs any more, and the replica must end.
   */
  async start(onBroken: (cause: Error) => void): Promise<void> {
    this.onBroken = onBroken;
    await this.supervisor.open();
    const { concurrency } = this.supervisor;
    if (this.ports.observer !== undefined) this.times = new ProcessingTimes(this.ports.observer, concurrency);
    this.intake.start(concurrency);
  }

  /** True when no record is held. */
  get idle(): boolean {
    return this.held.size === 0;
  }

  /** Stops pulling, naks the records that have not started, gives running ones the grace period to finish, closes the host. */
  async stop(graceMs: number): Promise<void> {
    this.supervisor.retire();
    this.intake.stop();
    this.nakUnstarted();
    const deadline = Date.now() + graceMs;
    while (!this.idle && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(this.leaseTimer);
    const isUrgent = !this.idle;
    for (const record of this.held.values()) this.nak(record, 0);
    await this.supervisor.close(isUrgent);
  }

  private handOver(records: readonly HeldRecord[]): void {
    if (!this.supervisor.isReady) {
      this.waiting.push(...records);
      return;
    }
    for (const record of records) {
      record.advance(RecordState.Running);
      this.inHost.set(record.id, record);
    }
    this.times?.handedOver(records);
    this.supervisor.process(
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
    const record = this.inHost.get(id);
    if (record !== undefined) this.times.began(record);
  }

  output(id: number, payload: Uint8Array, side: string): Promise<void> | undefined {
    const record = this.inHost.get(id);
    if (record === undefined) return undefined;
    const { spec, writer, counters } = this.ports;
    const output = side === '' ? spec.output : spec.sideOutputs.find((candidate) => candidate.id === side);
    const index = record.outputs++;
    if (side === '') counters.out++;
    if (output === undefined || record.published?.has(index) === true) return undefined; // no readers, or already stored
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
    const record = this.inHost.get(id);
    if (record !== undefined) this.nak(record, 0);
  }

  heartbeat(id: number): void {
    const record = this.inHost.get(id);
    if (record === undefined) return;
    record.aliveAt = Date.now();
    record.delivery.working();
  }

  log(level: LogLevel, text: string): void {
    this.ports.log(level, text);
  }

  lost(cause: KFlowError): boolean {
    const lost = [...this.inHost.values()];
    if (lost.length === 1) for (const record of lost) this.finish(record.id, failureOf(cause));
    else for (const record of lost) this.nak(record, 0);
    return lost.length > 0;
  }

  reopened(): void {
    this.handOver(this.waiting.splice(0).filter((record) => record.state !== RecordState.Settled));
  }

  broken(cause: Error): void {
    this.onBroken(cause);
  }

  /** The function has returned or thrown for the record, or the record could not be prepared. */
  private finish(id: number, failure?: Failure): void {
    const record = this.held.get(id);
    if (record === undefined) return;
    this.inHost.delete(id);
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

  /** The only place that acks: the function has finished and all outputs are stored (I1). */
  private settle(record: HeldRecord): void {
    const { failure } = record;
    if (failure === undefined) {
      record.delivery.ack();
      this.ports.counters.in++;
      this.remove(record);
      return;
    }
    this.ports.counters.failed++;
    this.ports.counters.lastFailure = `${failure.type}: ${failure.message}`;
    const { deliveries } = record.delivery;
    const { maxDeliver } = this.ports.spec;
    const decision = decideFailure(failure, deliveries, maxDeliver);
    const next = decision.kind === 'retry' ? `retrying in ${decision.delayMs} ms` : 'writing a dead letter';
    const trace = failure.trace === undefined ? '' : `\n${failure.trace}`;
    const text = `attempt ${deliveries} of ${maxDeliver} failed, ${next}: ${failure.type}: ${failure.message}`;
    this.log('ERROR', `${nameOf(record)}: ${text}${trace}`);
    if (decision.kind === 'retry') this.nak(record, decision.delayMs);
    else this.writeDeadLetter(record, failure);
  }

  private writeDeadLetter(record: HeldRecord, failure: Failure): void {
    this.ports.deadLetters.put(record, failure, (error) => {
      if (error !== undefined) {
        this.log('ERROR', `${nameOf(record)}: dead letter not stored, retrying: ${error.message}`);
        this.nak(record, deadLetterRetryMs);
        return;
      }
      record.delivery.ack(); // I1: the dead letter is stored
      this.ports.counters.dead++;
      this.remove(record);
    });
  }

  private nak(record: HeldRecord, delayMs: number): void {
    record.delivery.nak(delayMs);
    this.remove(record);
  }

  private remove(record: HeldRecord): void {
    if (record.state === RecordState.Settled) return;
    record.advance(RecordState.Settled);
    this.held.remove(record);
    this.inHost.delete(record.id);
    this.times?.removed(record);
    this.intake.release(record);
  }

  private renewLeases(): void {
    const others = [...this.held.values()].filter((record) => !this.inHost.has(record.id));
    const nowMs = Date.now();
    const { extend, overdue, started } = decideLeases([...this.inHost.values(), ...others], nowMs, {
      maxPollIntervalMs: this.ports.spec.maxPollIntervalMs,
      unlimited: this.ports.isLongRunning,
      concurrency: this.supervisor.concurrency,
    });
    for (const record of started) record.aliveAt = nowMs;
    for (const record of extend) record.delivery.working();
    if (overdue.length > 0) this.onOverdue(overdue);
  }

  /** Overdue records may be processed by another replica from now on. A late result still counts, once (I2). */
  private onOverdue(overdue: readonly HeldRecord[]): void {
    const limit = this.ports.spec.maxPollIntervalMs;
    for (const record of overdue) {
      const text = `no heartbeat within max.poll.interval.ms (${limit}), redelivering`;
      this.log('WARNING', `${nameOf(record)}: ${text}`);
      record.aliveAt = Date.now();
      record.delivery.nak(0);
    }
    this.nakUnstarted();
  }

  /** Records that are queued, being prepared, or in the host and not started. */
  private nakUnstarted(): void {
    this.intake.dropWaiting();
    for (const record of this.held.values()) {
      if (record.state === RecordState.Queued || record.state === RecordState.Preparing) this.nak(record, 0);
    }
    this.supervisor.release();
  }
}

function nameOf(record: HeldRecord): string {
  return `record ${record.delivery.stream}:${record.delivery.sequence}`;
}
