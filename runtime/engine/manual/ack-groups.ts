import type { KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { type HeldRecord, type KeptOutput, RecordState } from '../held-records';
import { laneOf } from '../order/key-lanes';
import { originOf, type RecordWriter } from '../output-writer';
import type { GroupLog, LoggedGroup } from '../ports/group-log';
import type { LogLevel } from '../ports/host';
import type { TraceContext } from '../trace/trace-context';
import { GroupTurns, type Turn } from './group-turns';
import { writeGroup } from './write-group';

export interface AckGroupPorts {
  readonly spec: FunctionSpec;
  readonly writer: RecordWriter;
  /** Absent: the function has no main output. */
  readonly groupLog?: GroupLog | undefined;
  /** Every output of the record's group is stored, or one is not: then no record of the group may be acked. */
  readonly settled: (record: HeldRecord, error: KFlowError | undefined) => void;
  /** An output cannot be stored; `settled` follows for each record of the group, or `giveBack`. */
  readonly failed: () => void;
  /** The record is in another replica's group, or with one that is, or the log cannot be reached. */
  readonly giveBack: (record: HeldRecord) => void;
  readonly log: (level: LogLevel, text: string) => void;
}

/** An output to send. */
interface GroupedOutput extends KeptOutput {
  readonly id: string;
  readonly key: string | undefined;
  readonly trace: TraceContext;
}

interface Group extends Turn {
  readonly records: readonly HeldRecord[];
}

/**
 * The records of a function that requests acks itself, from their end to the request.
 *
 * G1. A record that has ended waits, with its outputs, until an ack is requested; those that wait at that moment, and the
 *     record that requests it, are a group. A record that fails requests nothing.
 * G2. A group with outputs is in the log before the first of them is sent: whoever gets one of its records again stores the
 *     same outputs, although its replica has ended (`GroupRecovery`).
 * G3. Records of a group are acked when all of its outputs are stored, all of them or none.
 * G4. Groups with records of the same key are logged one after the other, each when the outputs of the one before are stored. When
 *     they cannot be, the groups behind run again, too.
 */
export class AckGroups {
  /** Records that wait, each with the running records that have requested its ack. */
  private readonly waiting = new Map<HeldRecord, Set<HeldRecord>>();
  private readonly turns = new GroupTurns<Group>();
  private readonly requesters = new Set<HeldRecord>();
  private keptBytes = 0;
  /** Payload bytes of the records that wait. */
  payloadBytes = 0;

  constructor(private readonly ports: AckGroupPorts) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Bytes of the payloads and outputs that wait. */
  get bytes(): number {
    return this.payloadBytes + this.keptBytes;
  }

  /** Keeps an output of a record that runs or, for the last call, that waits. */
  keep(record: HeldRecord, kept: KeptOutput): void {
    record.kept.push({ ...kept, payload: Buffer.from(kept.payload) }); // the frame is larger than the payload
    if (this.waiting.has(record)) this.keptBytes += kept.payload.length;
  }

  /** The function requests the acks of those that wait and, when it has succeeded, of this record. */
  request(requester: HeldRecord | undefined): void {
    if (requester === undefined) {
      this.commit(this.take(() => true));
      return;
    }
    this.requesters.add(requester);
    for (const by of this.waiting.values()) by.add(requester);
  }

  /** The record has succeeded. */
  ended(record: HeldRecord): void {
    record.advance(RecordState.Waiting);
    if (this.requesters.delete(record)) {
      this.commit([...this.take(({ 1: by }) => by.has(record)), record]);
      return;
    }
    this.waiting.set(record, new Set());
    this.payloadBytes += record.bytes;
    this.keptBytes += keptBytesOf(record);
  }

  /** The record that has waited for the shortest time. */
  get latest(): HeldRecord | undefined {
    return [...this.waiting.keys()].at(-1);
  }

  /** The records that wait do not wait any more: their host is gone, or they are given back. In their order. */
  takeAll(): readonly HeldRecord[] {
    this.requesters.clear();
    return this.take(() => true);
  }

  private take(isTaken: (entry: [HeldRecord, ReadonlySet<HeldRecord>]) => boolean): readonly HeldRecord[] {
    const taken = [...this.waiting].filter(isTaken).map(([record]) => record);
    for (const record of taken) {
      this.waiting.delete(record);
      this.payloadBytes -= record.bytes;
      this.keptBytes -= keptBytesOf(record);
    }
    return taken;
  }

  private commit(records: readonly HeldRecord[]): void {
    for (const record of records) {
      record.advance(RecordState.Publishing);
      record.unsettledOutputs++; // until the end of the group
    }
    const outputs = records.flatMap((record) =>
      record.kept
        .filter(({ index }) => record.published?.has(index) !== true)
        .map((kept): GroupedOutput => {
          return { ...kept, id: this.idOf(record, kept.index), key: record.delivery.key, trace: record.trace };
        }),
    );
    for (const record of records) record.kept = [];
    const lanes = new Set(records.flatMap((record) => laneOf(record) ?? []));
    const group: Group = { records, lanes, begin: () => this.begin(group, outputs) };
    this.turns.add(group);
  }

  private begin(group: Group, outputs: readonly GroupedOutput[]): void {
    const { groupLog } = this.ports;
    if (group.records.some(({ state }) => state === RecordState.Settled))
      this.giveBack(group); // at a stop
    else if (outputs.length === 0 || groupLog === undefined) this.send(group, outputs);
    else void this.logAndSend(group, outputs, groupLog);
  }

  /** G2 */
  private async logAndSend(group: Group, outputs: readonly GroupedOutput[], groupLog: GroupLog): Promise<void> {
    const { records } = group;
    const { log } = this.ports;
    let logged: LoggedGroup | undefined;
    try {
      logged = await groupLog.write({ records: records.map(({ delivery }) => delivery), outputs });
      if (logged === undefined)
        log('INFO', `${records.length} records are in a group of another replica, or with one that is`);
    } catch (error) {
      log('WARNING', `a group of ${records.length} records runs again: ${(error as Error).message}`);
    }
    if (logged !== undefined) {
      this.send(group, outputs, logged);
      return;
    }
    this.failed();
    this.giveBack(group);
  }

  private send(group: Group, outputs: readonly GroupedOutput[], logged?: LoggedGroup): void {
    writeGroup(this.ports.writer, outputs, (failure) => {
      if (failure === undefined) logged?.stored();
      else this.failed();
      for (const record of group.records) this.ports.settled(record, failure); // G3
      this.turns.ended(group);
    });
  }

  /** G4 */
  private failed(): void {
    this.ports.failed();
    for (const group of this.turns.clear()) this.giveBack(group);
  }

  private giveBack(group: Group): void {
    for (const record of group.records) this.ports.giveBack(record);
    this.turns.ended(group);
  }

  private idOf({ delivery }: HeldRecord, index: number): string {
    return `${originOf(this.ports.spec, delivery)}:${index}`;
  }
}

function keptBytesOf({ kept }: HeldRecord): number {
  return kept.reduce((bytes, { payload }) => bytes + payload.length, 0);
}
