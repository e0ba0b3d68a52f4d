import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { kindOf } from '../../../lib/topology/function-types/function-type';
import { cutText, maxLogged } from '../failures';
import type { HeldRecord } from '../held-records';
import type { Failure, Log } from '../ports/host';
import { decideBlame, namesOf, SuspectLimit } from './blame';
import type { HostQueue } from './host-queue';
import type { HostSupervisor } from './host-supervisor';
import { SpoiledHost, Verdict } from './spoiled-host';

export interface HostEndPorts {
  readonly spec: FunctionSpec;
  readonly queue: HostQueue;
  readonly supervisor: HostSupervisor;
  readonly log: Log;
  readonly isStopping: () => boolean;
  readonly isLastAttempt: (record: HeldRecord) => boolean;
  /** The record has an outcome. */
  readonly finish: (id: number, failure: Failure) => void;
  /** The record leaves the host without an outcome. */
  readonly runsAgain: (record: HeldRecord) => void;
  /** Records that run again, though they had left the host. */
  readonly alsoAgain: () => readonly HeldRecord[];
  /** Those of the records that run again, and of those that wait for the host, that may enter the next one. */
  readonly mayEnter: (records: readonly HeldRecord[]) => readonly HeldRecord[];
}

/** Records that are run alone after a crash, at least; a host reports the outcomes of fast functions in batches. */
const leastSuspects = 16;

/**
 * Decides what follows when a record ends its host, or may have failed because of it.
 *
 * E1. What a record's code does to its host is an attempt of that record alone: see `decideBlame`. The records that were in
 *     the host with it run again, uncharged; those that had finished end as if nothing had happened.
 * E2. What earlier records have left behind in a host costs no record its last attempt: see `SpoiledHost`.
 */
export class HostEnds {
  private readonly spoiled = new SpoiledHost();
  private suspectLimit = new SuspectLimit(leastSuspects);

  constructor(private readonly ports: HostEndPorts) {}

  /** The host processes `concurrency` records at a time. */
  start(concurrency: number): void {
    this.suspectLimit = new SuspectLimit(Math.max(2 * concurrency, leastSuspects));
  }

  succeeded(record: HeldRecord): void {
    this.spoiled.succeeded(record);
  }

  /** The record has failed: it ends, or its attempt is repeated in another host (E2). */
  failed(id: number, failure: Failure): void {
    const { queue, supervisor, finish } = this.ports;
    const record = queue.inHost.get(id);
    const verdict = record === undefined ? Verdict.Failed : this.verdictOn(record, failure);
    if (record !== undefined && verdict === Verdict.Repeat) this.repeatInNewHost(record, failure);
    if (verdict === Verdict.FailedAlone) supervisor.replace();
    if (verdict !== Verdict.Repeat) finish(id, failure);
    if (verdict === Verdict.FailedAlone) queue.rewind([]);
  }

  /** The host is gone, with the records in it (E1). */
  gone(overdue: readonly HeldRecord[], failure: Failure): void {
    const { queue, isLastAttempt, finish, log } = this.ports;
    const inHost = [...queue.inHost.values()];
    this.spoiled.replaced();
    const { charged, suspects } = decideBlame({
      inHost,
      overdue,
      hasRunOthers: queue.hasRunOthers,
      mostSuspects: inHost.length > 1 ? this.suspectLimit.at(Date.now()) : 1,
      isLastAttempt,
    });
    if (charged !== undefined) {
      this.suspectLimit.reset();
      queue.convict(charged);
      finish(charged.id, failure);
    } else if (suspects.length > 0) {
      const text = `the function's code has ended with ${namesOf(suspects)}; running each alone`;
      log('WARNING', `${text}: ${failure.message}`);
    }
    this.rewind(suspects);
  }

  /** Every record in the host runs again, the suspects alone. */
  rewind(suspects: readonly HeldRecord[]): void {
    const { queue, runsAgain, alsoAgain, mayEnter } = this.ports;
    for (const record of queue.inHost.values()) runsAgain(record);
    queue.rewind(suspects);
    queue.requeue(alsoAgain());
    queue.choose(suspects, mayEnter);
  }

  /** Whether the failure is the record's own, or may be due to what an earlier one has left behind (E2). */
  private verdictOn(record: HeldRecord, { ack, isFinal }: Failure): Verdict {
    const { spec, supervisor, isStopping, isLastAttempt } = this.ports;
    const canRepeat = !isStopping() && !supervisor.keepsState && kindOf(spec.type) !== 'sink';
    if (!canRepeat || ack !== undefined || isFinal === true) return Verdict.Failed;
    return this.spoiled.failed(record.name, isLastAttempt(record), Date.now());
  }

  private repeatInNewHost(record: HeldRecord, { type, message }: Failure): void {
    const text = 'records fail one after another, repeating the last attempt alone in a new process';
    const error = cutText(`${type}: ${message}`, maxLogged);
    this.ports.log('WARNING', `${record.name}: ${text}: ${error}`, record.subject);
    this.ports.supervisor.replace();
    this.rewind([record]);
  }
}
