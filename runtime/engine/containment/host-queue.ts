import { type HeldRecord, RecordState } from '../held-records';

/** Offenders remembered, the latest ones. */
const maxOffenders = 10_000;

/**
 * The prepared records of a replica, in the order in which they enter the host, and those that are in it.
 *
 * Q1. A suspect enters an empty host, and nothing enters until the suspect has left it. Suspects enter before all others.
 * Q2. A record that was charged with the end of a host is a suspect whenever it is delivered to this replica again.
 */
export class HostQueue {
  private readonly inside = new Map<number, HeldRecord>();
  private waiting: HeldRecord[] = [];
  private suspects: HeldRecord[] = [];
  private alone: HeldRecord | undefined;
  private readonly offenders = new Set<string>();
  private entered = 0;

  /** Records in the host, in the order of hand-over. */
  get inHost(): ReadonlyMap<number, HeldRecord> {
    return this.inside;
  }

  /** Whether the record in the host runs alone. */
  get runsAlone(): boolean {
    return this.alone !== undefined;
  }

  /** Whether records wait for the host. */
  get hasWaiting(): boolean {
    return this.waiting.length > 0 || this.suspects.length > 0;
  }

  /** Whether the host has processed a record beside those that are in it. */
  get hasRunOthers(): boolean {
    return this.entered > this.inside.size;
  }

  /** The record is prepared. */
  add(record: HeldRecord, mustRunAlone: boolean): void {
    const isSuspect = mustRunAlone || this.isOffender(record);
    (isSuspect ? this.suspects : this.waiting).push(record);
  }

  /** The suspect that may enter the host now. */
  nextSuspect(): HeldRecord | undefined {
    if (this.suspects.length > 0) this.suspects = this.suspects.filter(isWaiting);
    return this.inside.size === 0 ? this.suspects[0] : undefined; // Q1
  }

  /** The records that may enter the host now: one suspect, or all that wait. They have entered. */
  take(): readonly HeldRecord[] {
    const suspect = this.nextSuspect();
    if (suspect === undefined && (this.alone !== undefined || this.suspects.length > 0)) return []; // Q1
    this.alone = suspect;
    if (suspect !== undefined) this.suspects.shift();
    const taken = suspect === undefined ? this.waiting.filter(isWaiting) : [suspect];
    if (suspect === undefined) this.waiting = [];
    for (const record of taken) {
      record.advance(RecordState.Running);
      this.inside.set(record.id, record);
    }
    this.entered += taken.length;
    return taken;
  }

  /** The record has an outcome, or is not held any more. */
  leave(record: HeldRecord): void {
    this.inside.delete(record.id);
    if (this.alone === record) this.alone = undefined;
  }

  /** The host is gone: every record in it waits again, the suspects to be run alone, before all others. */
  rewind(suspects: readonly HeldRecord[]): void {
    const suspected = new Set(suspects);
    const others = [...this.inside.values()].filter((record) => !suspected.has(record));
    for (const record of this.inside.values()) record.rewind();
    this.inside.clear();
    this.alone = undefined;
    this.entered = 0;
    this.suspects = [...suspects, ...this.suspects];
    this.waiting = [...others, ...this.waiting];
  }

  /** The host of these records is gone: they wait again, before all others but the suspects. */
  requeue(records: readonly HeldRecord[]): void {
    for (const record of records) record.rewind();
    this.waiting = [...records, ...this.waiting];
  }

  /** Replaces the records that wait, but for these suspects; what was to run alone still does. */
  choose(suspects: readonly HeldRecord[], chosen: (waiting: readonly HeldRecord[]) => readonly HeldRecord[]): void {
    const suspected = new Set(suspects);
    const alone = new Set(this.suspects.filter((record) => !suspected.has(record)));
    const records = chosen([...alone, ...this.waiting].filter(isWaiting));
    this.suspects = [...suspects, ...records.filter((record) => alone.has(record))];
    this.waiting = records.filter((record) => !alone.has(record));
  }

  /** The record was charged with the end of the host: the other suspects are not suspected any more. */
  convict(record: HeldRecord): void {
    this.offenders.add(record.name);
    const [oldest] = this.offenders;
    if (this.offenders.size > maxOffenders && oldest !== undefined) this.offenders.delete(oldest);
    this.waiting = [...this.suspects.filter((suspect) => !this.isOffender(suspect)), ...this.waiting];
    this.suspects = this.suspects.filter((suspect) => this.isOffender(suspect));
  }

  /** The record has ended, so that it is not delivered again. */
  forget(record: HeldRecord): void {
    if (this.offenders.size > 0) this.offenders.delete(record.name);
  }

  private isOffender(record: HeldRecord): boolean {
    return this.offenders.size > 0 && this.offenders.has(record.name);
  }
}

/** False for records that were given back, or became letters, while they waited. */
function isWaiting({ state }: HeldRecord): boolean {
  return state === RecordState.Queued || state === RecordState.Preparing;
}
