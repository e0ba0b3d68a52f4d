import type { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import { atMost } from '../async/at-most';
import { Caution } from './containment/caution';
import { HostEnds } from './containment/host-ends';
import { HostQueue } from './containment/host-queue';
import { HostSupervisor, type SupervisorEvents } from './containment/host-supervisor';
import type { Counters } from './counters';
import { crashFailure, cutFailure, cutText, failureOf, maxLogged, overdueFailure } from './failures';
import { type HeldRecord, HeldRecords, type MessagePlace, RecordState } from './held-records';
import { Intake } from './intake';
import { LeaseKeeper } from './leases/lease-keeper';
import { ProcessingTimes, type RecordObserver } from './leases/processing-times';
import { GroupRecovery } from './manual/group-recovery';
import { ManualAcks } from './manual/manual-acks';
import { KeyLanes } from './order/key-lanes';
import { outputHeaders } from './output-headers';
import { originOf, type RecordWriter } from './output-writer';
import type { Delivery, DeliverySource, RedriveSource } from './ports/delivery';
import type { GroupLog } from './ports/group-log';
import type { CreateHost, Failure, Log, LogLevel } from './ports/host';
import type { LoneAttempts } from './ports/lone-attempts';
import type { RecordTracer } from './ports/record-tracer';
import type { Preparation } from './preparation';
import { type LetterSink, Settlement } from './settlement';
import type { ErrorStream } from './side-stream/error-stream';

export interface RecordLoopPorts {
  readonly spec: FunctionSpec;
  /** One for each of `spec.inputs`, in that order. */
  readonly inputs: readonly DeliverySource[];
  /** Dead letters of the function that are processed again. */
  readonly redrives?: RedriveSource;
  /** Creates a host of the function's code; called again after a crash or a kill. */
  readonly createHost: CreateHost;
  readonly writer: RecordWriter;
  readonly preparation: Preparation;
  /** Opens the log of a function that requests acks itself. Absent: the function has no main output. */
  readonly openGroupLog?: () => Promise<GroupLog>;
  readonly deadLetters: LetterSink;
  /** Every failed attempt is the last one: who sent the record repeats it. */
  readonly failsOnce?: true;
  readonly counters: Counters;
  readonly log: Log;
  /** KFLOW_LONG_RUNNING_PROCESSING: the processing time of a record is not limited. */
  readonly isLongRunning: boolean;
  /** Given when the replica before this one ended uncleanly: a record may have ended it. */
  readonly caution?: LoneAttempts;
  /** The error side stream. */
  readonly errors?: Pick<ErrorStream, 'report'>;
  /** Without a tracer, records pass on their trace contexts, and no spans are recorded. */
  readonly tracer?: RecordTracer | undefined;
  /** Without an observer, processing times are not measured. */
  readonly observer?: RecordObserver;
}

/**
 * Moves records through a function: pull, prepare, host, publish, ack. No step waits for a single record.
 *
 * I1. A message is acked only after all of its outputs are stored, or its dead letter is: by `Settlement.settle`.
 * I2. The id of an output is its origin and its index: the same input yields the same ids, and a stream stores each once. A
 *     record that runs again counts its outputs from 0.
 * I3. A record that is not acked is nak'd, at once or with a delay; no record is dropped.
 * I4. What a record's code does to its host is an attempt of that record alone, and what earlier records have left behind in a
 *     host costs none its last attempt: see `HostEnds`. What it does to the replica is counted, too: see `Caution`.
 * I5. A host that has got its last call gets no record any more: a record that comes nevertheless runs in the next host.
 * I6. A record with a key enters the host when the one of its key before it has ended, or waits until its ack is requested: see
 *     `KeyLanes`.
 */
export class RecordLoop implements SupervisorEvents {
  private readonly held = new HeldRecords();
  private readonly queue = new HostQueue();
  private readonly intake: Intake;
  private readonly supervisor: HostSupervisor;
  private readonly settlement: Settlement;
  private readonly leases: LeaseKeeper;
  private readonly hostEnds: HostEnds;
  private readonly caution: Caution;
  private times: ProcessingTimes | undefined;
  /** Set if the function requests acks itself. */
  private manual: ManualAcks | undefined;
  /** Set if records have keys. */
  private lanes: KeyLanes | undefined;
  /** The last call that the current host has got. */
  private lastCall: Promise<void> | undefined;
  private isStopping = false;
  private onBroken: (cause: Error) => void = () => undefined;

  constructor(private readonly ports: RecordLoopPorts) {
    this.supervisor = new HostSupervisor(ports.createHost, this);
    this.settlement = new Settlement(ports, (record, isAcked) => this.remove(record, isAcked));
    this.intake = new Intake(ports, this.held, {
      arrived: (record) => this.lanes?.arrived(record),
      isAwaited: (record) => this.lanes?.isAwaited(record) === true,
      gone: (input, sequence) => {
        this.line(this.lanes?.gone(input, sequence));
        this.pump();
      },
      ready: (records) => this.enqueue(records),
      dead: (record) => this.settlement.settleDead(record),
      unreadable: (record, error) => this.finish(record.id, failureOf(error)),
      discardFailed: (record, error) =>
        ports.log('WARNING', `${record.name}: downloaded file not deleted: ${String(error)}`, record.subject),
    });
    this.caution = new Caution(ports.caution, {
      ...ports,
      failed: (record, failure) => this.finish(record.id, failure),
      giveBack: (record, delayMs) => this.settlement.giveBack(record, delayMs),
    });
    this.hostEnds = new HostEnds({
      ...ports,
      queue: this.queue,
      supervisor: this.supervisor,
      isStopping: () => this.isStopping,
      isLastAttempt: (record) => this.settlement.isLastAttempt(record),
      finish: (id, failure) => this.finish(id, failure),
      runsAgain: (record) => this.times?.removed(record),
      alsoAgain: () => this.manual?.takeToRepeat() ?? [],
      mayEnter: (records) => (this.manual === undefined ? undefined : this.lanes?.again(records)) ?? records,
    });
    this.leases = new LeaseKeeper({
      spec: ports.spec,
      isLongRunning: ports.isLongRunning,
      concurrency: () => this.supervisor.concurrency,
      reportsBegan: () => this.supervisor.reportsBegan,
      inHost: () => this.queue.inHost,
      held: () => this.held.values(),
      overdue: (records) => this.onOverdue(records),
    });
  }

  /**
   * Opens a host, and processes records until `stop`. Rejects when the function's code cannot be loaded. After `onBroken` no
   * host runs any more, and the replica must end.
   */
  async start(onBroken: (cause: Error) => void): Promise<void> {
    this.onBroken = onBroken;
    await this.supervisor.open();
    const { concurrency } = this.supervisor;
    const { observer, spec } = this.ports;
    if (observer !== undefined) this.times = new ProcessingTimes(observer, concurrency);
    this.hostEnds.start(concurrency);
    this.caution.start();
    if (this.supervisor.acksManually) this.manual = await this.openManual();
    if (keepsOrder(spec)) this.lanes = new KeyLanes();
    this.intake.start(concurrency, {
      isCautious: this.caution.isOn,
      holdsBulks: spec.bulk !== undefined,
      aside: () => sumOf(this.manual?.aside, this.lanes?.aside),
    });
  }

  /** True when no record is held. */
  get idle(): boolean {
    return this.held.size === 0;
  }

  /** Number of records that are held. */
  get inFlight(): number {
    return this.held.size;
  }

  /** True when every held record waits until the function requests its ack. */
  get onlyWaits(): boolean {
    return !this.idle && this.held.size === this.manual?.size;
  }

  /** The messages that wait until the function requests their acks. */
  get waiting(): readonly Delivery[] {
    return [...this.held.values()].filter(({ state }) => state === RecordState.Waiting).map(({ delivery }) => delivery);
  }

  /** After `stop`: the records that were given back because the function had not requested their acks. */
  get leftWaiting(): number {
    return this.manual?.givenBack ?? 0;
  }

  /** No more records come for now: a bulk that waits is written, however small. */
  flush(): void {
    this.supervisor.flush();
  }

  /**
   * Runs the finish of a function that requests acks itself, once for each host: it may request the acks of the records that
   * wait. Resolves at its end, or after `limitMs`.
   */
  async callLast(limitMs: number): Promise<void> {
    const { supervisor, manual } = this;
    if (manual === undefined || !supervisor.isReady || !supervisor.keepsState) return;
    this.lastCall ??= manual.runLastCall((id) => supervisor.finish(id), Date.now() + limitMs).then(() => this.pump());
    await atMost(limitMs, this.lastCall);
  }

  /**
   * Stops pulling, naks the records that have not started, gives running ones the grace period to finish, and closes the
   * host. A function that requests acks itself gets its last call before. Records that run longer are nak'd when the host is
   * gone, so that no other replica runs them at the same time. A host that is gone is not replaced.
   */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true;
    this.supervisor.retire();
    this.intake.stop();
    this.nakUnstarted();
    const deadline = Date.now() + graceMs;
    await this.settleUntil(deadline);
    await this.callLast(Math.max(0, deadline - Date.now()));
    await this.settleUntil(deadline);
    this.manual?.giveBackAll();
    await this.supervisor.close(!this.idle);
    this.leases.stop();
    for (const record of this.held.values()) this.settlement.giveBack(record, 0);
  }

  /** Tells the code that the result for a message is not needed any more. */
  cancel(message: MessagePlace): void {
    const record = this.held.ofMessage(message);
    if (record !== undefined && this.queue.inHost.has(record.id)) this.supervisor.cancel(record.id);
  }

  /**
   * Fails the record of a message at once; code that runs for it is killed, and its neighbors in the host run again. No effect
   * when the function has ended, and its outputs are being stored.
   */
  abort(message: MessagePlace, failure: Failure): void {
    const record = this.held.ofMessage(message);
    if (record === undefined || record.state === RecordState.Publishing) return;
    if (this.queue.inHost.has(record.id)) this.failInNewHost(record.id, failure);
    else this.finish(record.id, failure);
  }

  began(id: number): void {
    const record = this.queue.inHost.get(id);
    if (record === undefined) return;
    this.times?.began(record);
    if (!this.supervisor.reportsBegan) return;
    record.hasBegun = true;
    record.aliveAt = Date.now();
  }

  waits(id: number, why: string): void {
    const record = this.queue.inHost.get(id);
    if (record === undefined) return;
    const { counters } = this.ports;
    counters.refused = (counters.refused ?? 0) + 1;
    counters.waiting = cutText(why.replace(/\s+/g, ' '), maxLogged);
    record.hasBegun = false;
    record.aliveAt = undefined;
  }

  output(id: number, payload: Uint8Array, side: string): Promise<void> | undefined {
    const record = this.queue.inHost.get(id) ?? this.manual?.recordOf(id);
    if (record === undefined) return undefined;
    const { spec, writer, counters } = this.ports;
    const output = side === '' ? spec.output : spec.sideOutputs.find((candidate) => candidate.id === side);
    const index = record.outputs++;
    if (side === '') counters.out++;
    if (output === undefined || record.published?.has(index) === true) return undefined; // no readers, or already stored
    if (this.manual !== undefined && side === '') {
      record.outputSettled(index, false);
      this.manual.keep(record, { output, index, payload });
      return undefined;
    }
    record.unsettledOutputs++;
    const { rewinds } = record;
    const settle = (error?: KFlowError) => {
      record.outputSettled(index, error === undefined);
      this.onOutputSettled(record, rewinds === record.rewinds ? error : undefined);
    };
    const headers = outputHeaders({ key: record.delivery.key, trace: record.trace });
    writer.write(output, `${originOf(spec, record.delivery)}:${index}`, payload, settle, headers);
    const room = writer.room();
    if (room !== undefined) this.leases.waitsFor(room);
    return room;
  }

  done(id: number): void {
    if (this.manual?.lastCallEnded(id) === true) return;
    const record = this.queue.inHost.get(id);
    if (this.manual !== undefined && record?.failure !== undefined) {
      this.failInNewHost(id, record.failure);
      return;
    }
    if (record !== undefined) this.hostEnds.succeeded(record);
    this.ports.counters.waiting = undefined;
    this.finish(id);
  }

  failed(id: number, failure: Failure): void {
    if (this.manual?.lastCallEnded(id, failure) === true) return;
    if (this.manual !== undefined) {
      this.failInNewHost(id, failure);
      return;
    }
    this.hostEnds.failed(id, failure);
  }

  released(id: number): void {
    const record = this.queue.inHost.get(id);
    if (record !== undefined) this.settlement.giveBack(record, 0);
  }

  ackRequested(id: number): void {
    this.manual?.request(this.queue.inHost.get(id));
  }

  heartbeat(id: number): void {
    const record = this.queue.inHost.get(id);
    if (record === undefined) return;
    record.aliveAt = Date.now();
    record.delivery.working();
  }

  log(level: LogLevel, text: string, id?: number): void {
    const record = id === undefined ? undefined : (this.held.get(id) ?? this.manual?.recordOf(id));
    this.ports.log(level, text, record?.subject);
  }

  lost(cause: KFlowError): boolean {
    const hadRecords = this.queue.inHost.size > 0;
    const wasInLastCall = this.manual?.isInLastCall === true && !this.isStopping;
    this.onHostGone([], crashFailure(cause));
    if (wasInLastCall) this.onBroken(cause); // no record is charged, and the next last call would end the same
    return hadRecords;
  }

  reopened(): void {
    this.lastCall = undefined;
    this.pump();
  }

  broken(cause: Error): void {
    this.onBroken(cause);
  }

  private enqueue(records: readonly HeldRecord[]): void {
    for (const record of records) if (record.wasAcked) this.finish(record.id);
    if (this.caution.endsWith(records)) this.intake.widen(this.supervisor.concurrency);
    for (const record of records) if (!record.wasAcked && this.lanes?.ready(record) !== false) this.line(record); // I6
    this.pump();
  }

  /** The record may enter the host. */
  private line(record: HeldRecord | undefined): void {
    if (record !== undefined) this.queue.add(record, this.caution.runsAlone(record));
  }

  /** Hands over what may enter the host now. */
  private pump(): void {
    if (!this.supervisor.isReady || this.caution.isNoting || this.isStopping) return;
    if (this.lastCall !== undefined) {
      this.replaceAfterLastCall();
      return;
    }
    const suspect = this.queue.nextSuspect();
    if (suspect !== undefined && this.caution.mustNote(suspect))
      void this.caution.note(suspect).then(() => this.pump());
    else this.handOver(this.queue.take());
  }

  /** I5 */
  private replaceAfterLastCall(): void {
    if (this.manual?.isInLastCall === true || !this.queue.hasWaiting) return;
    this.supervisor.replace();
    this.hostEnds.rewind([]);
  }

  private handOver(records: readonly HeldRecord[]): void {
    if (records.length === 0) return;
    this.times?.handedOver(records);
    const { tracer } = this.ports;
    if (tracer !== undefined) for (const record of records) record.traceBy(tracer);
    this.supervisor.process(
      records.map((record) => ({
        id: record.id,
        payload: record.payload,
        origin: { input: record.input, sequence: record.delivery.sequence },
        download: record.download,
        trace: record.trace,
        ...(this.queue.runsAlone ? { isAlone: true } : {}),
      })),
    );
  }

  /** The function has returned or thrown for the record, or the record could not be prepared. */
  private finish(id: number, failure?: Failure): void {
    const record = this.held.get(id);
    if (record === undefined) return;
    this.supervisor.progressed();
    this.queue.leave(record);
    this.times?.ended(record);
    if (failure !== undefined) record.failure ??= this.lastFailure(failure);
    if (this.manual !== undefined && record.failure === undefined && !record.wasAcked) this.manual.ended(record);
    else {
      record.advance(RecordState.Publishing);
      if (record.unsettledOutputs === 0) this.settlement.settle(record);
    }
    if (this.queue.hasWaiting) this.pump();
  }

  private onOutputSettled(record: HeldRecord, error: KFlowError | undefined): void {
    record.unsettledOutputs--;
    if (error !== undefined) record.failure ??= this.lastFailure(failureOf(error));
    if (record.unsettledOutputs === 0 && record.state === RecordState.Publishing) this.settlement.settle(record);
  }

  private lastFailure(failure: Failure): Failure {
    return this.ports.failsOnce === true ? { ...cutFailure(failure), isFinal: true } : cutFailure(failure);
  }

  private remove(record: HeldRecord, isAcked: boolean): void {
    if (record.state === RecordState.Settled) return;
    record.advance(RecordState.Settled);
    if (this.ports.tracer !== undefined) endSpan(record, isAcked, this.ports.tracer);
    this.held.remove(record);
    this.queue.leave(record);
    if (isAcked) this.queue.forget(record);
    this.caution.ended(record);
    this.times?.removed(record);
    // what was downloaded for a record that the function has acked is the function's
    this.intake.release(record, isAcked && this.manual !== undefined && record.failure === undefined);
    this.line(this.lanes?.ended(record, isAcked));
    if (this.queue.hasWaiting) this.pump();
  }

  /** Stops the code of overdue records: their host is killed. */
  private onOverdue(overdue: readonly HeldRecord[]): void {
    for (const record of overdue) record.delivery.working();
    this.supervisor.replace();
    this.onHostGone(overdue, overdueFailure(this.ports.spec.maxPollIntervalMs));
  }

  private onHostGone(overdue: readonly HeldRecord[], failure: Failure): void {
    this.hostEnds.gone(overdue, failure);
    if (this.isStopping) this.nakUnstarted();
  }

  /**
   * A record has failed, and its host must not be used any more: a function that requests acks itself may know what is wrong
   * of the records that wait, or the code still runs. The others run again in a new host.
   */
  private failInNewHost(id: number, failure: Failure): void {
    if (!this.isStopping) this.supervisor.replace();
    this.finish(id, failure);
    if (this.isStopping) this.manual?.giveBackAll();
    else this.hostEnds.rewind([]);
  }

  private async openManual(): Promise<ManualAcks> {
    const { spec, writer, preparation, openGroupLog } = this.ports;
    const groupLog = await openGroupLog?.();
    if (groupLog !== undefined) preparation.findAcked(new GroupRecovery({ spec, writer, log: groupLog }));
    return new ManualAcks({
      ...this.ports,
      groupLog,
      setAside: (record) => {
        this.caution.ended(record);
        this.intake.setAside(record);
        this.line(this.lanes?.passed(record)); // I6
      },
      giveBack: (record) => this.settlement.giveBack(record, 0),
      settled: (record, error) => this.onOutputSettled(record, error),
      groupFailed: () => {
        if (this.isStopping) return;
        this.supervisor.replace();
        this.hostEnds.rewind([]);
      },
      overflowed: (error) => this.onBroken(error),
    });
  }

  /** Until every record that does not wait for its ack is settled. */
  private async settleUntil(deadline: number): Promise<void> {
    const isSettled = () => this.held.size <= (this.manual?.size ?? 0);
    while (!isSettled() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Records that are queued, being prepared, or in the host and not started. */
  private nakUnstarted(): void {
    this.intake.dropWaiting();
    for (const record of this.held.values()) {
      if (record.state === RecordState.Queued || record.state === RecordState.Preparing)
        this.settlement.giveBack(record, 0);
    }
    this.supervisor.release();
  }
}

/** A bulk has many records of a key. */
function keepsOrder({ inputs, bulk }: FunctionSpec): boolean {
  return bulk === undefined && inputs.some(({ partitions }) => partitions !== undefined);
}

interface Aside {
  readonly records: number;
  readonly bytes: number;
}

function sumOf(...parts: readonly (Aside | undefined)[]): Aside {
  const total = (key: keyof Aside) => parts.reduce((sum, part) => sum + (part?.[key] ?? 0), 0);
  return { records: total('records'), bytes: total('bytes') };
}

/** An attempt that failed before the function got the record has a span, too. */
function endSpan(record: HeldRecord, isAcked: boolean, tracer: RecordTracer): void {
  const { failure } = record;
  if (failure === undefined && !record.isTraced) return;
  const outcome = isAcked
    ? failure === undefined
      ? 'processed'
      : 'dead letter'
    : failure === undefined
      ? 'given back'
      : 'retried';
  record.traceBy(tracer).end(outcome, failure);
}
